// layer_norm.wgsl for rows of a multiple of 4 elements, four at a time.
// flops: 4 * rows * quads * (6 + WEIGHT + BIAS)
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype
override WEIGHT: bool = true;
override BIAS: bool = true;

struct Params { rows: u32, quads: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;       // [rows, quads]
@group(0) @binding(2) var<storage, read> weight: array<vec4<Scalar>>;  // [quads]; anything without WEIGHT
@group(0) @binding(3) var<storage, read> bias: array<vec4<Scalar>>;    // [quads]; anything without BIAS
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Scalar>>; // as x
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;    // [rows] of (mean, 1 / sqrt(variance + eps))

fn across(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let n = f32(4u * params.quads);
  let first = row * params.quads;
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.quads, row < params.rows);
  var total = vec4f(0.0);
  for (var at = first + lane; at < end; at += LANES) { total += vec4f(x[at]); }
  let about = sumLanes(vec2f(across(total), 0.0), lid, lane).x / n;
  total = vec4f(0.0);
  var squares = vec4f(0.0);
  for (var at = first + lane; at < end; at += LANES) {
    let d = vec4f(x[at]) - about;
    total += d;
    squares += d * d;
  }
  let sums = sumLanes(vec2f(across(total), across(squares)), lid, lane);
  let mean = about + sums.x / n;
  let inverse = 1.0 / sqrt(max((sums.y - sums.x * sums.x / n) / n, 0.0) + params.eps);
  if (lane == 0u && row < params.rows) { stats[row] = vec2f(mean, inverse); }
  for (var at = first + lane; at < end; at += LANES) {
    var v = (vec4f(x[at]) - mean) * inverse;
    if (WEIGHT) { v *= vec4f(weight[at - first]); }
    if (BIAS) { v += vec4f(bias[at - first]); }
    y[at] = vec4<Scalar>(v);
  }
}
