// The mean and the sum of the squared differences from it over chunks of channels: the differences are summed in a second pass, as in
// layer_norm.wgsl. LANES invocations share a chunk. batch_norm.wgsl puts the chunks together.
// flops: channels * count * 4
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;            // [outer, channels, inner]
@group(0) @binding(2) var<storage, read_write> moments: array<vec2f>; // [chunks, channels] of (mean, squares)

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let size = Channels(params.channels, params.inner, params.count, params.chunk, params.outputs);
  let piece = pieceOf(out, size);
  let step = placeOf(LANES, size);
  let first = placeOf(piece.begin + lane, size);
  var at = first;
  var own = vec2f(0.0);
  for (var j = piece.begin + lane; j < piece.stop; j += LANES) {
    own.x += f32(x[elementOf(at, piece.channel, size)]);
    at = moved(at, step, size);
  }
  let n = f32(max(piece.stop, piece.begin + 1u) - piece.begin);
  let about = sumLanes(own, lid, lane).x / n;
  at = first;
  own = vec2f(0.0);
  for (var j = piece.begin + lane; j < piece.stop; j += LANES) {
    let d = f32(x[elementOf(at, piece.channel, size)]) - about;
    own += vec2f(d, d * d);
    at = moved(at, step, size);
  }
  let sums = sumLanes(own, lid, lane);
  if (lane == 0u && out < params.outputs) {
    moments[out] = vec2f(about + sums.x / n, max(sums.y - sums.x * sums.x / n, 0.0));
  }
}
