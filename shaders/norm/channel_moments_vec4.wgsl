// channel_moments.wgsl for runs of a multiple of 4 elements, four at a time.
// flops: channels * count * 16
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32 } // inner, count and chunk in quads
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;      // [outer, channels, inner]
@group(0) @binding(2) var<storage, read_write> moments: array<vec2f>; // [chunks, channels] of (mean, squares)

fn across(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let size = Channels(params.channels, params.inner, params.count, params.chunk, params.outputs);
  let piece = pieceOf(out, size);
  let step = placeOf(LANES, size);
  let first = placeOf(piece.begin + lane, size);
  var at = first;
  var total = vec4f(0.0);
  for (var j = piece.begin + lane; j < piece.stop; j += LANES) {
    total += vec4f(x[elementOf(at, piece.channel, size)]);
    at = moved(at, step, size);
  }
  let n = f32(4u * (max(piece.stop, piece.begin + 1u) - piece.begin));
  let about = sumLanes(vec2f(across(total), 0.0), lid, lane).x / n;
  at = first;
  total = vec4f(0.0);
  var squares = vec4f(0.0);
  for (var j = piece.begin + lane; j < piece.stop; j += LANES) {
    let d = vec4f(x[elementOf(at, piece.channel, size)]) - about;
    total += d;
    squares += d * d;
    at = moved(at, step, size);
  }
  let sums = sumLanes(vec2f(across(total), across(squares)), lid, lane);
  if (lane == 0u && out < params.outputs) {
    moments[out] = vec2f(about + sums.x / n, max(sums.y - sums.x * sums.x / n, 0.0));
  }
}
