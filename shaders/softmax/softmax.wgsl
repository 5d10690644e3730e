// y = exp(x - m) / s, or x - m - log(s) with LOG: softmax and its logarithm along the middle axis of [outer, axis, inner], with m the maximum
// of the row and s the sum of exp(x - m). LANES invocations share a row, read it once for (m, s) and once more to write. A row in which
// all is masked (-inf, -3.4e38, or by MASK) gives zeros, or -inf with LOG.
// flops: 4 * rows * axis
// bytes: x + MASK * mask + y
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"
#include "lib/softmax_input.inc.wgsl"
#include "lib/softmax_write.inc.wgsl"
#include "lib/softmax_held.inc.wgsl"

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

fn load4(own: Lane, k: u32) -> vec4f {
  let step = LANES * params.inner;
  let stride = LANES * params.maskStep;
  let at = own.at + 4u * k * step;
  let seen = own.seen + 4u * k * stride;
  var v = vec4f(MASKED);
  if (at < own.end) { v.x = load(at, seen); }
  if (at + step < own.end) { v.y = load(at + step, seen + stride); }
  if (at + 2u * step < own.end) { v.z = load(at + 2u * step, seen + 2u * stride); }
  if (at + 3u * step < own.end) { v.w = load(at + 3u * step, seen + 3u * stride); }
  return v;
}

fn store4(own: Lane, k: u32, v: vec4f) {
  let step = LANES * params.inner;
  let at = own.at + 4u * k * step;
  if (at < own.end) { y[at] = Scalar(v.x); }
  if (at + step < own.end) { y[at + step] = Scalar(v.y); }
  if (at + 2u * step < own.end) { y[at + 2u * step] = Scalar(v.z); }
  if (at + 3u * step < own.end) { y[at + 3u * step] = Scalar(v.w); }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  let own = Lane(first + lane * params.inner, end, maskOf(row) + lane * params.maskStep);
  if (HELD > 0u) {
    softmaxHeld(own, lid, lane);
    return;
  }
  let step = LANES * params.inner;
  let stride = LANES * params.maskStep;
  var pair = vec2f(FLOOR, 0.0);
  var at = own.at;
  var seen = own.seen;
  for (; at + 3u * step < end; at += 4u * step) {
    pair = fold4(pair, loadFour(at, seen));
    seen += 4u * stride;
  }
  for (; at < end; at += step) {
    pair = fold(pair, load(at, seen));
    seen += stride;
  }
  writeRow(own.at, own.seen, end, mergeLanes(pair, lid, lane));
}
