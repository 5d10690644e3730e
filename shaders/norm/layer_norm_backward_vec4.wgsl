// layer_norm_backward.wgsl for rows of a multiple of 4 elements, four at a time; with CHANNELS so are the elements and the number of the channels.
// flops: 4 * rows * quads * (9 - RMS + WEIGHT)
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/norm.inc.wgsl"

alias Scalar = f32; // dtype
override WEIGHT: bool = true;
override RMS: bool = false;

struct Params { rows: u32, quads: u32, groups: u32, inner: u32 } // inner in quads
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;        // [rows, quads]
@group(0) @binding(2) var<storage, read> weight: array<vec4<Scalar>>;   // [quads], or [channels / 4]; anything without WEIGHT
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;           // [rows] of (mean, r)
@group(0) @binding(4) var<storage, read> dy: array<vec4<Scalar>>;       // as x
@group(0) @binding(5) var<storage, read_write> dx: array<vec4<Scalar>>; // as x

fn across(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

// dy weight at quad `at`, which lies `col` quads from the start of its row.
fn scaled(at: u32, channel: u32, col: u32) -> vec4f {
  let g = vec4f(dy[at]);
  if (!WEIGHT) { return g; }
  let c = affineAt(channel, col, params.inner);
  if (CHANNELS) { return g * f32(weight[c / 4u][c % 4u]); }
  return g * vec4f(weight[c]);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let first = row * params.quads;
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.quads, row < params.rows);
  let own = stats[min(row, params.rows - 1u)];
  let channel = firstChannel(row, params.groups, params.quads, params.inner);
  var plainSum = vec4f(0.0);
  var crossSum = vec4f(0.0);
  for (var at = first + lane; at < end; at += LANES) {
    let g = scaled(at, channel, at - first);
    if (!RMS) { plainSum += g; }
    crossSum += g * (vec4f(x[at]) - own.x) * own.y;
  }
  let means = sumLanes(vec2f(across(plainSum), across(crossSum)), lid, lane) / f32(4u * params.quads);
  for (var at = first + lane; at < end; at += LANES) {
    let g = scaled(at, channel, at - first);
    dx[at] = vec4<Scalar>(own.y * (g - means.x - (vec4f(x[at]) - own.x) * own.y * means.y));
  }
}
