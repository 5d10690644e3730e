// y = exp(x - m) / s, or x - m - log(s) with LOG: softmax and its logarithm along the middle axis of [outer, axis, inner], with m the maximum
// of the row and s the sum of exp(x - m). LANES invocations share a row, read it once for (m, s) and once more to write. A row in which
// all is masked (-inf, -3.4e38) gives zeros, or -inf with LOG.
// flops: 4 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;

struct Params { rows: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>; // as x

fn load(i: u32) -> f32 { return f32(x[i]); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  let start = first + lane * params.inner;
  var pair = vec2f(FLOOR, 0.0);
  var at = start;
  for (; at + 3u * step < end; at += 4u * step) {
    pair = fold4(pair, vec4f(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
  }
  for (; at < end; at += step) { pair = fold(pair, load(at)); }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  for (at = start; at < end; at += step) {
    let v = load(at) - pair.x;
    if (LOG) { y[at] = Scalar(v - logS); } else { y[at] = Scalar(exp(v) * scale); }
  }
}
