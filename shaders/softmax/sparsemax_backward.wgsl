// dx = dy - (mean of dy over the support) on the support {y > 0} of y = sparsemax(x), and 0 elsewhere (Martins and Astudillo, arXiv:1602.02068, eq. 14).
// Along the middle axis of [outer, axis, inner]; LANES invocations share a row.
// flops: 3 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Scalar>;        // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;       // as y
@group(0) @binding(3) var<storage, read_write> dx: array<Scalar>; // as y

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  var own = vec2f(0.0);
  for (var at = first + lane * params.inner; at < end; at += step) {
    if (f32(y[at]) > 0.0) { own += vec2f(f32(dy[at]), 1.0); }
  }
  let sums = sumLanes(own, lid, lane);
  let mean = sums.x / max(sums.y, 1.0);
  for (var at = first + lane * params.inner; at < end; at += step) {
    let v = f32(y[at]);
    if (isNan(v)) { dx[at] = Scalar(v); } else { dx[at] = Scalar(select(0.0, f32(dy[at]) - mean, v > 0.0)); }
  }
}
