// channel_sums.wgsl for runs of a multiple of 4 elements, four at a time.
// flops: channels * count * 20
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/channels.inc.wgsl"

alias Scalar = f32; // dtype
override GROUPED: bool = false;

struct Params { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32, groups: u32 } // inner, count and chunk in quads
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;   // [outer, channels, inner]
@group(0) @binding(2) var<storage, read> dy: array<vec4<Scalar>>;  // as x
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;      // [channels], with GROUPED [outer, groups], of (mean, r)
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>; // [chunks, channels]

fn across(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

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
  var cross = vec4f(0.0);
  var total = vec4f(0.0);
  var j = piece.begin + lane;
  while (j < piece.stop) {
    // Sums of 64 quads are summed in turn.
    var crossPart = vec4f(0.0);
    var part = vec4f(0.0);
    for (var k = 0u; k < 64u && j < piece.stop; k++) {
      if (GROUPED) { own = stats[at.n * params.groups + group]; }
      let e = elementOf(at, piece.channel, size);
      let g = vec4f(dy[e]);
      crossPart += g * (vec4f(x[e]) - own.x) * own.y;
      part += g;
      at = moved(at, step, size);
      j += LANES;
    }
    cross += crossPart;
    total += part;
  }
  let both = sumLanes(vec2f(across(cross), across(total)), lid, lane);
  if (lane == 0u && out < params.outputs) { sums[out] = both; }
}
