// softmax.wgsl for contiguous rows of a multiple of 4 elements, four at a time.
// flops: 16 * rows * quads
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;

struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;       // [rows, quads]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let start = row * params.quads + lane;
  // Lanes past the last row stay for the barriers.
  let end = select(0u, (row + 1u) * params.quads, row < params.rows);
  var pair = vec2f(FLOOR, 0.0);
  for (var at = start; at < end; at += LANES) { pair = fold4(pair, vec4f(x[at])); }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  for (var at = start; at < end; at += LANES) {
    let v = vec4f(x[at]) - pair.x;
    if (LOG) { y[at] = vec4<Scalar>(v - logS); } else { y[at] = vec4<Scalar>(exp(v) * scale); }
  }
}
