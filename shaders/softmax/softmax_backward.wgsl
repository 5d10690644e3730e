// dx = scale y (dy - sum(y dy)) for y = softmax(scale x); dx = scale (dy - exp(y) sum(dy)) for its logarithm (LOG), and zeros in a row in which
// all was masked. Along the middle axis of [outer, axis, inner]; LANES invocations share a row.
// flops: 5 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/softmax_terms.inc.wgsl"
#include "lib/softmax_backward_held.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, axis: u32, inner: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Scalar>;        // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;       // as y
@group(0) @binding(3) var<storage, read_write> dx: array<Scalar>; // as y

fn y4(own: Lane, k: u32) -> vec4f {
  let step = LANES * params.inner;
  let at = own.at + 4u * k * step;
  var v = vec4f(select(0.0, -3.4e38, LOG));
  if (at < own.end) { v.x = f32(y[at]); }
  if (at + step < own.end) { v.y = f32(y[at + step]); }
  if (at + 2u * step < own.end) { v.z = f32(y[at + 2u * step]); }
  if (at + 3u * step < own.end) { v.w = f32(y[at + 3u * step]); }
  return v;
}

fn dy4(own: Lane, k: u32) -> vec4f {
  let step = LANES * params.inner;
  let at = own.at + 4u * k * step;
  var v = vec4f();
  if (at < own.end) { v.x = f32(dy[at]); }
  if (at + step < own.end) { v.y = f32(dy[at + step]); }
  if (at + 2u * step < own.end) { v.z = f32(dy[at + 2u * step]); }
  if (at + 3u * step < own.end) { v.w = f32(dy[at + 3u * step]); }
  return v;
}

fn store4(own: Lane, k: u32, v: vec4f) {
  let step = LANES * params.inner;
  let at = own.at + 4u * k * step;
  if (at < own.end) { dx[at] = Scalar(v.x); }
  if (at + step < own.end) { dx[at + step] = Scalar(v.y); }
  if (at + 2u * step < own.end) { dx[at + 2u * step] = Scalar(v.z); }
  if (at + 3u * step < own.end) { dx[at + 3u * step] = Scalar(v.w); }
}

// Four of a lane's elements, the first at `at`.
fn yFour(at: u32) -> vec4f {
  let step = LANES * params.inner;
  return vec4f(f32(y[at]), f32(y[at + step]), f32(y[at + 2u * step]), f32(y[at + 3u * step]));
}

fn dyFour(at: u32) -> vec4f {
  let step = LANES * params.inner;
  return vec4f(f32(dy[at]), f32(dy[at + step]), f32(dy[at + 2u * step]), f32(dy[at + 3u * step]));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  let start = first + lane * params.inner;
  if (HELD > 0u) {
    backwardHeld(Lane(start, end), lid, lane);
    return;
  }
  var own = vec2f(0.0);
  var at = start;
  for (; at + 3u * step < end; at += 4u * step) {
    let v = yFour(at);
    let g = dyFour(at);
    own += term(v.x, g.x) + term(v.y, g.y) + term(v.z, g.z) + term(v.w, g.w);
  }
  for (; at < end; at += step) { own += term(f32(y[at]), f32(dy[at])); }
  let sums = sumLanes(own, lid, lane);
  at = start;
  for (; at + 3u * step < end; at += 4u * step) {
    let v = yFour(at);
    let g = dyFour(at);
    dx[at] = Scalar(params.scale * slope(v.x, g.x, sums));
    dx[at + step] = Scalar(params.scale * slope(v.y, g.y, sums));
    dx[at + 2u * step] = Scalar(params.scale * slope(v.z, g.z, sums));
    dx[at + 3u * step] = Scalar(params.scale * slope(v.w, g.w, sums));
  }
  for (; at < end; at += step) { dx[at] = Scalar(params.scale * slope(f32(y[at]), f32(dy[at]), sums)); }
}
