// y = (x - mean) / sqrt(variance + eps) * weight + bias over each row (Ba et al. 2016, arXiv:1607.06450, equations 3 and 4). The variance is taken
// about the mean in a second pass; the sum of those differences, 0 but for rounding, corrects the mean and the variance (Chan et al. 1983,
// "Algorithms for computing the sample variance", equation 1.7). With CHANNELS rows are groups of channels (Wu and He 2018, arXiv:1803.08494,
// equation 7). With RMS y = x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019, arXiv:1910.07467, equation 4). LANES invocations share a row.
// flops: rows * cols * (6 - 3 * RMS + WEIGHT + BIAS)
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/norm.inc.wgsl"

alias Scalar = f32; // dtype
override WEIGHT: bool = true;
override BIAS: bool = true;
override RMS: bool = false;

struct Params { rows: u32, cols: u32, groups: u32, inner: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;          // [rows, cols]
@group(0) @binding(2) var<storage, read> weight: array<Scalar>;     // [cols], or [channels] of an image; anything without WEIGHT
@group(0) @binding(3) var<storage, read> bias: array<Scalar>;       // likewise; anything without BIAS
@group(0) @binding(4) var<storage, read_write> y: array<Scalar>;    // as x
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // [rows] of (mean, or 0 with RMS; 1 / sqrt(variance + eps))

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let n = f32(params.cols);
  let first = row * params.cols;
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.cols, row < params.rows);
  var own = vec2f(0.0);
  var about = 0.0;
  if (!RMS) {
    for (var at = first + lane; at < end; at += LANES) { own.x += f32(x[at]); }
    about = sumLanes(own, lid, lane).x / n;
  }
  own = vec2f(0.0);
  for (var at = first + lane; at < end; at += LANES) {
    let d = f32(x[at]) - about;
    own += vec2f(select(d, 0.0, RMS), d * d);
  }
  let sums = sumLanes(own, lid, lane);
  let mean = about + sums.x / n;
  let inverse = 1.0 / sqrt(max((sums.y - sums.x * sums.x / n) / n, 0.0) + params.eps);
  if (lane == 0u && row < params.rows) { stats[row] = vec2f(mean, inverse); }
  let channel = firstChannel(row, params.groups, params.cols, params.inner);
  for (var at = first + lane; at < end; at += LANES) {
    var v = (f32(x[at]) - mean) * inverse;
    let c = affineAt(channel, at - first, params.inner);
    if (WEIGHT) { v *= f32(weight[c]); }
    if (BIAS) { v += f32(bias[c]); }
    y[at] = Scalar(v);
  }
}
