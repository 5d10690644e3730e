// The sums of dy h and of dy over chunks of channels, h = (x - mean) r: what the gradients of weight and bias are, and what a batch normalisation's
// dx needs. A channel has one mean and r, or with GROUPED one an image, which it shares with the other channels of its group. LANES invocations
// share a chunk.
// flops: channels * count * 5
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype
override GROUPED: bool = false;

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32, groups: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;         // [outer, channels, inner]
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;        // as x
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;      // [channels], with GROUPED [outer, groups], of (mean, r)
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>; // [chunks, channels]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let size = Channels(params.channels, params.inner, params.count, params.chunk, params.outputs);
  let piece = pieceOf(out, size);
  let step = placeOf(LANES, size);
  var at = placeOf(piece.begin + lane, size);
  var group = piece.channel;
  if (GROUPED) { group /= params.channels / params.groups; }
  var own = stats[group];
  var total = vec2f(0.0);
  var j = piece.begin + lane;
  while (j < piece.stop) {
    // Sums of 64 elements are summed in turn.
    var part = vec2f(0.0);
    for (var k = 0u; k < 64u && j < piece.stop; k++) {
      if (GROUPED) { own = stats[at.n * params.groups + group]; }
      let e = elementOf(at, piece.channel, size);
      let g = f32(dy[e]);
      part += vec2f(g * (f32(x[e]) - own.x) * own.y, g);
      at = moved(at, step, size);
      j += LANES;
    }
    total += part;
  }
  total = sumLanes(total, lid, lane);
  if (lane == 0u && out < params.outputs) { sums[out] = total; }
}
