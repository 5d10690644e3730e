// The second pass of softmax's backward over rows that are cut into chunks: dx from y, dy and the sums of all chunks of the row.
// flops: 3 * outputs / splits * axis
#include "lib/lanes.inc.wgsl"
#include "lib/softmax_terms.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Scalar>;        // [outer, axis, inner]
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;       // as y
@group(0) @binding(3) var<storage, read> sums: array<vec2f>;      // [outer, splits, inner]; outputs of them
@group(0) @binding(4) var<storage, read_write> dx: array<Scalar>; // as y

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let firstSum = firstOf(mine.row, params.splits, params.inner);
  var total = vec2f(0.0);
  for (var k = 0u; k < params.splits; k++) { total += sums[firstSum + k * params.inner]; }
  let end = mine.first + mine.stop * params.inner;
  for (var at = mine.first + (mine.begin + laneOf(lid)) * params.inner; at < end; at += LANES * params.inner) {
    dx[at] = Scalar(params.scale * slope(f32(y[at]), f32(dy[at]), total));
  }
}
