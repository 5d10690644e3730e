// channel_affine.wgsl for runs of a multiple of 4 elements, four at a time.
// flops: 4 * channels * count * (3 + 2 * GRADIENT)
#include "lib/lanes.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype
override GRADIENT: bool = false;

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32 } // inner, count and chunk in quads
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;     // [outer, channels, inner]
@group(0) @binding(2) var<storage, read> dy: array<vec4<Scalar>>;    // as x; anything without GRADIENT
@group(0) @binding(3) var<storage, read> coefficients: array<vec4f>; // [channels] of (mean, scale, shift, factor)
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Scalar>>; // as x

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
    var v = (vec4f(x[e]) - own.x) * own.y + own.z;
    if (GRADIENT) { v += vec4f(dy[e]) * own.w; }
    y[e] = vec4<Scalar>(v);
    at = moved(at, step, size);
  }
}
