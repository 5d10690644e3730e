// dx = r (g - mean(g) - h mean(g h)) over each row, with r = 1 / sqrt(variance + eps), h = (x - mean) r and g = dy weight; with RMS, where the
// mean is not taken away, dx = r (g - h mean(g h)). LANES invocations share a row.
// flops: rows * cols * (9 - RMS + WEIGHT)
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/norm.inc.wgsl"

alias Scalar = f32; // dtype
override WEIGHT: bool = true;
override RMS: bool = false;

struct Params { rows: u32, cols: u32, groups: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [rows, cols]
@group(0) @binding(2) var<storage, read> weight: array<Scalar>;   // [cols], or [channels] of an image; anything without WEIGHT
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;     // [rows] of (mean, r)
@group(0) @binding(4) var<storage, read> dy: array<Scalar>;       // as x
@group(0) @binding(5) var<storage, read_write> dx: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let first = row * params.cols;
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.cols, row < params.rows);
  let own = stats[min(row, params.rows - 1u)];
  let channel = firstChannel(row, params.groups, params.cols, params.inner);
  var terms = vec2f(0.0);
  for (var at = first + lane; at < end; at += LANES) {
    var g = f32(dy[at]);
    if (WEIGHT) { g *= f32(weight[affineAt(channel, at - first, params.inner)]); }
    terms += vec2f(select(g, 0.0, RMS), g * (f32(x[at]) - own.x) * own.y);
  }
  let means = sumLanes(terms, lid, lane) / f32(params.cols);
  for (var at = first + lane; at < end; at += LANES) {
    var g = f32(dy[at]);
    if (WEIGHT) { g *= f32(weight[affineAt(channel, at - first, params.inner)]); }
    dx[at] = Scalar(own.y * (g - means.x - (f32(x[at]) - own.x) * own.y * means.y));
  }
}
