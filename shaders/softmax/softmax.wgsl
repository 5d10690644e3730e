// y = exp(x - m) / s, or x - m - log(s) with LOG: softmax and its logarithm along the middle axis of [outer, axis, inner], with m the maximum
// of the row and s the sum of exp(x - m). LANES invocations share a row, read it once for (m, s) and once more to write. A row in which
// all is masked (-inf, -3.4e38, or by MASK) gives zeros, or -inf with LOG.
// flops: 4 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"
#include "lib/softmax_input.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;

struct Params {
  rows: u32, axis: u32, inner: u32,
  scale: f32, maskStep: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2>, // the mask's loops over rows, innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read> mask: array<u32>;       // bool, four to a word; read with MASK
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * vec2u(params.inner, params.maskStep);
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  let start = vec2u(first, maskOf(row)) + lane * vec2u(params.inner, params.maskStep);
  var pair = vec2f(FLOOR, 0.0);
  var at = start;
  for (; at.x + 3u * step.x < end; at += 4u * step) {
    pair = fold4(pair, vec4f(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
  }
  for (; at.x < end; at += step) { pair = fold(pair, load(at)); }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  for (at = start; at.x < end; at += step) {
    let v = load(at) - pair.x;
    if (LOG) { y[at.x] = Scalar(v - logS); } else { y[at.x] = Scalar(exp(v) * scale); }
  }
}
