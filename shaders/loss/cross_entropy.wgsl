// loss = -sum_j q_j log(softmax(x)_j) of each row, straight from the logits: with m the maximum and s the sum of exp(x - m) it is
// Q log(s) - sum_j q_j (x_j - m), Q = sum_j q_j. q is 1 at the target class, or the target probabilities (PROBS), smoothed to
// (1 - smoothing) q + smoothing / axis (Szegedy et al. 2016, arXiv:1512.00567, section 7), times the weight of the class (WEIGHTED). Along the middle
// axis of [outer, axis, inner]; LANES invocations share a row. With WHOLE all rows are in one workgroup, which sums their losses; else cross_entropy_total.wgsl does.
// flops: rows * (axis * (3 + 4 * max(PROBS, SMOOTH)) + 4)
// bytes: x + targets + WEIGHTED * weights + loss + stats
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/cross_entropy.inc.wgsl"

alias Scalar = f32; // dtype
alias Target = i32; // dtype
override WHOLE: bool = false;

struct Params { rows: u32, axis: u32, inner: u32, ignored: i32, smoothing: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;          // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read> targets: array<Target>;    // [outer, inner], or as x
@group(0) @binding(3) var<storage, read> weights: array<Scalar>;    // [axis] with WEIGHTED
@group(0) @binding(4) var<storage, read_write> loss: array<Scalar>; // [outer, inner], or [1] with WHOLE
@group(0) @binding(5) var<storage, read_write> stats: array<vec4f>; // [rows + 1]: see lib/cross_entropy.inc.wgsl

var<workgroup> totals: array<vec2f, WG>;

fn load(i: u32) -> f32 { return f32(x[i]); }

fn weightOf(j: u32) -> f32 {
  if (WEIGHTED) { return f32(weights[j]); }
  return 1.0;
}

// The sums of q and of q (x - m) over this lane's elements.
fn crossTerms(start: u32, end: u32, step: u32, lane: u32, m: f32) -> vec2f {
  let even = params.smoothing / f32(params.axis);
  var sums = vec2f(0.0);
  var j = lane;
  for (var at = start; at < end; at += step) {
    var q = even;
    if (PROBS) { q += (1.0 - params.smoothing) * f32(targets[at]); }
    q *= weightOf(j);
    j += LANES;
    if (q != 0.0) { sums += vec2f(q, q * (load(at) - m)); } // 0 * -inf would be NaN
  }
  return sums;
}

// What is to be known of a row; `terms` are its sums of q and q (x - m), but for the target class.
fn rowStats(pair: vec2f, terms: vec2f, row: u32, first: u32) -> vec4f {
  var sums = terms;
  var weight = 1.0;
  if (!PROBS) {
    let class_ = i32(targets[row]);
    if (class_ == params.ignored) { return vec4f(0.0, 0.0, -1.0, 0.0); }
    if (class_ < 0 || class_ >= i32(params.axis)) { return vec4f(nanFrom(1.0), nanFrom(1.0), 1.0, nanFrom(1.0)); }
    weight = weightOf(u32(class_));
    let q = (1.0 - params.smoothing) * weight;
    if (q != 0.0) { sums += vec2f(q, q * (load(first + u32(class_) * params.inner) - pair.x)); }
  }
  if (pair.y == 0.0) { return vec4f(0.0, 0.0, -1.0 - weight, infinityFrom(1.0)); } // all is masked: no class has a probability
  return vec4f(pair.x, reciprocalSum(pair) * sums.x, weight, sums.x * logSum(pair) - sums.y);
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
  var pair = vec2f(FLOOR, 0.0);
  var at = start;
  for (; at + 3u * step < end; at += 4u * step) {
    pair = fold4(pair, vec4f(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
  }
  for (; at < end; at += step) { pair = fold(pair, load(at)); }
  pair = mergeLanes(pair, lid, lane);
  var terms = vec2f(0.0);
  if (PROBS || SMOOTH) { terms = sumLanes(crossTerms(start, end, step, lane, pair.x), lid, lane); }
  let mine = lane == 0u && row < params.rows;
  var own = vec4f(0.0);
  if (mine) {
    own = rowStats(pair, terms, row, first);
    stats[row] = own;
    if (REDUCTION == NONE) { loss[row] = Scalar(own.w); }
  }
  if (WHOLE) {
    totals[lid] = vec2f(own.w, counted(own));
    for (var s = WG / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lid < s) { totals[lid] += totals[lid + s]; }
    }
    if (lid == 0u) {
      let scale = reductionScale(totals[0].y);
      loss[0] = Scalar(totals[0].x * scale);
      stats[params.rows] = vec4f(scale, 0.0, 0.0, 0.0);
    }
  }
}
