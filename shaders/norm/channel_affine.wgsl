// y = (x - mean) scale + shift, or with GRADIENT (x - mean) scale + shift + dy factor, by channel: a batch normalisation, and its dx.
// LANES invocations share a chunk of a channel.
// flops: channels * count * (3 + 2 * GRADIENT)
#include "lib/lanes.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype
override GRADIENT: bool = false;

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, channels, inner]
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;          // as x; anything without GRADIENT
@group(0) @binding(3) var<storage, read> coefficients: array<vec4f>; // [channels] of (mean, scale, shift, factor)
@group(0) @binding(4) var<storage, read_write> y: array<Scalar>;     // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let size = Channels(params.channels, params.inner, params.count, params.chunk, params.outputs);
  let piece = pieceOf(rowOf(wid, nwg, lid), size);
  let step = placeOf(LANES, size);
  let own = coefficients[piece.channel];
  let begin = piece.begin + laneOf(lid);
  var at = placeOf(begin, size);
  for (var j = begin; j < piece.stop; j += LANES) {
    let e = elementOf(at, piece.channel, size);
    var v = (f32(x[e]) - own.x) * own.y + own.z;
    if (GRADIENT) { v += f32(dy[e]) * own.w; }
    y[e] = Scalar(v);
    at = moved(at, step, size);
  }
}
