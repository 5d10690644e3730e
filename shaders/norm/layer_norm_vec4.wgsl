// layer_norm.wgsl for rows of a multiple of 4 elements, four at a time; with CHANNELS so are the elements and the number of the channels.
// flops: 4 * rows * quads * (6 - 3 * RMS + WEIGHT + BIAS)
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/norm.inc.wgsl"

alias Scalar = f32; // dtype
override WEIGHT: bool = true;
override BIAS: bool = true;
override RMS: bool = false;

struct Params { rows: u32, quads: u32, groups: u32, inner: u32, eps: f32 } // inner in quads
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;       // [rows, quads]
@group(0) @binding(2) var<storage, read> weight: array<vec4<Scalar>>;  // [quads], or [channels / 4]; anything without WEIGHT
@group(0) @binding(3) var<storage, read> bias: array<vec4<Scalar>>;    // likewise; anything without BIAS
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Scalar>>; // as x
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;    // [rows] of (mean, or 0 with RMS; 1 / sqrt(variance + eps))

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
  var about = 0.0;
  if (!RMS) {
    for (var at = first + lane; at < end; at += LANES) { total += vec4f(x[at]); }
    about = sumLanes(vec2f(across(total), 0.0), lid, lane).x / n;
  }
  total = vec4f(0.0);
  var squares = vec4f(0.0);
  for (var at = first + lane; at < end; at += LANES) {
    let d = vec4f(x[at]) - about;
    if (!RMS) { total += d; }
    squares += d * d;
  }
  let sums = sumLanes(vec2f(across(total), across(squares)), lid, lane);
  let mean = about + sums.x / n;
  let inverse = 1.0 / sqrt(max((sums.y - sums.x * sums.x / n) / n, 0.0) + params.eps);
  if (lane == 0u && row < params.rows) { stats[row] = vec2f(mean, inverse); }
  let channel = firstChannel(row, params.groups, params.quads, params.inner);
  for (var at = first + lane; at < end; at += LANES) {
    var v = (vec4f(x[at]) - mean) * inverse;
    let c = affineAt(channel, at - first, params.inner);
    if (CHANNELS) {
      if (WEIGHT) { v *= f32(weight[c / 4u][c % 4u]); }
      if (BIAS) { v += f32(bias[c / 4u][c % 4u]); }
    } else {
      if (WEIGHT) { v *= vec4f(weight[c]); }
      if (BIAS) { v += vec4f(bias[c]); }
    }
    y[at] = vec4<Scalar>(v);
  }
}
