// The statistics of a batch normalisation and what its elements are computed with: y = (x - mean) scale + bias, scale = weight / sqrt(variance + eps)
// (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1). In training mean and variance are put together from channel_moments.wgsl's chunks (Chan et
// al. 1983, equation 2.1) and, with RUNNING, mixed into the running ones, the variance as that of a sample, count / (count - 1) as large; otherwise
// they are the running ones. LANES invocations share a channel.
// flops: channels * (8 * chunks * TRAINING + 10)
// bytes: moments * TRAINING + weight * WEIGHT + bias * BIAS + 2 * runningMean + 2 * runningVar + stats + coefficients + 4 * COUNTED
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype
override TRAINING: bool = true;
override RUNNING: bool = true;
override COUNTED: bool = false; // whether the running statistics are the mean over all batches, of which they have seen `batches`
override WEIGHT: bool = true;
override BIAS: bool = true;

struct Params { channels: u32, chunks: u32, chunk: u32, count: u32, eps: f32, momentum: f32 } // chunk and count in elements
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>;           // [chunks, channels] of (mean, squares); anything without TRAINING
@group(0) @binding(2) var<storage, read> weight: array<Scalar>;           // [channels]; anything without WEIGHT
@group(0) @binding(3) var<storage, read> bias: array<Scalar>;             // [channels]; anything without BIAS
@group(0) @binding(4) var<storage, read_write> runningMean: array<f32>;   // [channels]; anything with TRAINING and not RUNNING
@group(0) @binding(5) var<storage, read_write> runningVar: array<f32>;    // likewise
@group(0) @binding(6) var<storage, read_write> stats: array<vec2f>;       // [channels] of (mean, 1 / sqrt(variance + eps))
@group(0) @binding(7) var<storage, read_write> coefficients: array<vec4f>; // [channels] of (mean, scale, bias, 0)
@group(0) @binding(8) var<storage, read> batches: array<u32>;             // [1]; anything without COUNTED

fn sizeOf(chunk: u32) -> f32 { return f32(min(params.chunk, params.count - chunk * params.chunk)); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let c = min(row, params.channels - 1u); // lanes past the last channel stay for the barriers
  let lane = laneOf(lid);
  var mean = 0.0;
  var variance = 0.0;
  if (TRAINING) {
    let n = f32(params.count);
    let about = moments[c].x;
    var own = vec2f(0.0);
    for (var k = lane; k < params.chunks; k += LANES) { own.x += sizeOf(k) * (moments[k * params.channels + c].x - about); }
    mean = about + sumLanes(own, lid, lane).x / n;
    own = vec2f(0.0);
    for (var k = lane; k < params.chunks; k += LANES) {
      let part = moments[k * params.channels + c];
      own.y += part.y + sizeOf(k) * (part.x - mean) * (part.x - mean);
    }
    variance = sumLanes(own, lid, lane).y / n;
  } else {
    mean = runningMean[c];
    variance = runningVar[c];
  }
  if (lane > 0u || row >= params.channels) { return; }
  if (RUNNING) {
    let n = f32(params.count);
    var momentum = params.momentum;
    if (COUNTED) { momentum = 1.0 / (f32(batches[0]) + 1.0); }
    runningMean[c] += momentum * (mean - runningMean[c]);
    runningVar[c] += momentum * (variance * n / (n - 1.0) - runningVar[c]);
  }
  let inverse = 1.0 / sqrt(variance + params.eps);
  var scale = inverse;
  if (WEIGHT) { scale *= f32(weight[c]); }
  var shift = 0.0;
  if (BIAS) { shift = f32(bias[c]); }
  stats[c] = vec2f(mean, inverse);
  coefficients[c] = vec4f(mean, scale, shift, 0.0);
}
