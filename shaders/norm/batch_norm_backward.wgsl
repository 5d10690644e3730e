// dweight = sum dy h, dbias = sum dy, and what dx = weight r (dy - dbias / count - h dweight / count), h = (x - mean) r, is computed with: out of
// channel_sums.wgsl's chunks. Without TRAINING the statistics are constants: dx = weight r dy. LANES invocations share a channel.
// flops: channels * (2 * chunks + 8)
// bytes: sums + weight * WEIGHT + stats + dweight + dbias + coefficients
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype
override TRAINING: bool = true;
override WEIGHT: bool = true;

struct Params { channels: u32, chunks: u32, count: u32 } // count in elements
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec2f>;               // [chunks, channels] of (dy h, dy)
@group(0) @binding(2) var<storage, read> weight: array<Scalar>;            // [channels]; anything without WEIGHT
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;              // [channels] of (mean, r)
@group(0) @binding(4) var<storage, read_write> dweight: array<Scalar>;     // [channels]
@group(0) @binding(5) var<storage, read_write> dbias: array<Scalar>;       // [channels]
@group(0) @binding(6) var<storage, read_write> coefficients: array<vec4f>; // [channels] of (mean, scale, shift, factor), see channel_affine.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let c = min(row, params.channels - 1u); // lanes past the last channel stay for the barriers
  let lane = laneOf(lid);
  var own = vec2f(0.0);
  for (var k = lane; k < params.chunks; k += LANES) { own += sums[k * params.channels + c]; }
  let total = sumLanes(own, lid, lane);
  if (lane > 0u || row >= params.channels) { return; }
  dweight[c] = Scalar(total.x);
  dbias[c] = Scalar(total.y);
  let stat = stats[c];
  var factor = stat.y;
  if (WEIGHT) { factor *= f32(weight[c]); }
  let n = f32(params.count);
  let slope = select(vec2f(0.0), -factor * vec2f(total.x * stat.y, total.y) / n, TRAINING);
  coefficients[c] = vec4f(stat.x, slope.x, slope.y, factor);
}
