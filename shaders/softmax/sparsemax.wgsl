// y = max(x - t, 0), the point of the simplex nearest to a row x: t is where y sums to 1 (Martins and Astudillo, "From softmax to sparsemax",
// arXiv:1602.02068, eq. 3 and algorithm 1). Instead of sorting, Newton's method on sum(max(x - t, 0)) - 1, which is convex and falls, from the left:
// t = max(x) - 1, then t = (sum of those above t - 1) / their number, which only ever drops elements, until it drops none and t is exact. Along the
// middle axis of [outer, axis, inner]; LANES invocations share a row. A row in which all is masked (-inf, -3.4e38) gives zeros.
// flops: 6 * rows * axis
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>; // as x

var<workgroup> dropping: atomic<u32>; // the last round in which a row of the workgroup lost elements
var<workgroup> lastDropping: u32;

fn load4(at: u32, step: u32) -> vec4f {
  return vec4f(f32(x[at]), f32(x[at + step]), f32(x[at + 2u * step]), f32(x[at + 3u * step]));
}

// The sum and number of this lane's elements above t, relative to m.
fn above(start: u32, end: u32, m: f32, t: f32) -> vec2f {
  let step = LANES * params.inner;
  var sums = vec2f(0.0);
  var at = start;
  for (; at + 3u * step < end; at += 4u * step) {
    let v = load4(at, step) - m;
    let counts = select(vec4f(0.0), vec4f(1.0), v > vec4f(t));
    let kept = select(vec4f(0.0), v, v > vec4f(t));
    sums += vec2f((kept.x + kept.y) + (kept.z + kept.w), (counts.x + counts.y) + (counts.z + counts.w));
  }
  for (; at < end; at += step) {
    let v = f32(x[at]) - m;
    if (v > t) { sums += vec2f(v, 1.0); }
  }
  return sums;
}

fn threshold(sums: vec2f) -> f32 { return (sums.x - 1.0) / max(sums.y, 1.0); }

// Whether the new sums are of fewer elements; rounding could leave none.
fn drops(sums: vec2f, fewer: vec2f) -> bool { return fewer.y > 0.0 && fewer.y < sums.y; }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  let start = first + lane * params.inner;
  var pair = vec2f(FLOOR, 0.0); // for the maximum, and to find NaN and +inf
  let step = LANES * params.inner;
  var at = start;
  for (; at + 3u * step < end; at += 4u * step) { pair = fold4(pair, load4(at, step)); }
  for (; at < end; at += step) { pair = fold(pair, f32(x[at])); }
  pair = mergeLanes(pair, lid, lane);
  var sums = sumLanes(above(start, end, pair.x, -1.0), lid, lane);
  if (LANES == 1u) {
    for (var round = 1u; round <= params.axis; round++) {
      let fewer = above(start, end, pair.x, threshold(sums));
      if (!drops(sums, fewer)) { break; }
      sums = fewer;
    }
  } else {
    for (var round = 1u; round <= params.axis; round++) {
      let fewer = sumLanes(above(start, end, pair.x, threshold(sums)), lid, lane);
      if (drops(sums, fewer)) {
        sums = fewer;
        atomicStore(&dropping, round);
      }
      workgroupBarrier();
      if (lid == 0u) { lastDropping = atomicLoad(&dropping); }
      if (workgroupUniformLoad(&lastDropping) < round) { break; }
    }
  }
  let t = threshold(sums);
  for (at = start; at < end; at += step) {
    if (isBroken(pair)) { y[at] = Scalar(nanFrom(pair.y)); } else { y[at] = Scalar(max(f32(x[at]) - pair.x - t, 0.0)); }
  }
}
