// The second pass over rows that are cut into chunks: y = exp(x - m) / s, or x - m - log(s) with LOG. Each lane merges the pairs (m, s) of
// all the chunks of its row for itself, which is little beside its share of the chunk.
// flops: 3 * outputs / splits * axis
// bytes: x + MASK * mask + stats + y
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"
#include "lib/softmax_input.inc.wgsl"
#include "lib/softmax_write.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;

struct Params {
  outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32,
  scale: f32, maskStep: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2>, // the mask's loops over rows, innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner]
@group(0) @binding(2) var<storage, read> mask: array<u32>;       // bool, four to a word; read with MASK
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;    // [outer, splits, inner] of (m, s); outputs of them
@group(0) @binding(4) var<storage, read_write> y: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let firstPair = firstOf(mine.row, params.splits, params.inner);
  var pair = stats[firstPair];
  for (var k = 1u; k < params.splits; k++) { pair = merge(pair, stats[firstPair + k * params.inner]); }
  let begin = mine.begin + laneOf(lid);
  writeRow(mine.first + begin * params.inner, maskOf(mine.row) + begin * params.maskStep, mine.first + mine.stop * params.inner, pair);
}
