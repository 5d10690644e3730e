// The first pass of softmax's backward over rows that are cut into chunks: the sums of each chunk; softmax_backward_apply.wgsl follows.
// flops: 2 * outputs / splits * axis
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/softmax_terms.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Scalar>;         // [outer, axis, inner]
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;        // as y
@group(0) @binding(3) var<storage, read_write> sums: array<vec2f>; // [outer, splits, inner]; outputs of them

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let end = mine.first + mine.stop * params.inner;
  var own = vec2f(0.0);
  for (var at = mine.first + (mine.begin + lane) * params.inner; at < end; at += LANES * params.inner) {
    own += term(f32(y[at]), f32(dy[at]));
  }
  let total = sumLanes(own, lid, lane);
  if (lane == 0u && out < params.outputs) { sums[out] = total; }
}
