// dx = scale y (dy - sum(y dy)) for y = softmax(scale x); dx = scale (dy - exp(y) sum(dy)) for its logarithm (LOG), and zeros in a row in which
// all was masked. Along the middle axis of [outer, axis, inner]; LANES invocations share a row.
// flops: 5 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/softmax_terms.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, axis: u32, inner: u32, scale: f32 }
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
  for (var at = first + lane * params.inner; at < end; at += step) { own += term(f32(y[at]), f32(dy[at])); }
  let sums = sumLanes(own, lid, lane);
  for (var at = first + lane * params.inner; at < end; at += step) { dx[at] = Scalar(params.scale * slope(f32(y[at]), f32(dy[at]), sums)); }
}
