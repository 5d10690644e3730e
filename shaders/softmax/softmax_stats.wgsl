// The first pass over rows that are cut into chunks: the maximum m and the sum s of exp(x - m) of each chunk; softmax_apply.wgsl follows.
// flops: 3 * outputs / splits * axis
// bytes: x + MASK * mask + stats
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"
#include "lib/softmax_input.inc.wgsl"

alias Scalar = f32; // dtype

struct Params {
  outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32,
  scale: f32, maskStep: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2>, // the mask's loops over rows, innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, axis, inner]
@group(0) @binding(2) var<storage, read> mask: array<u32>;           // bool, four to a word; read with MASK
@group(0) @binding(3) var<storage, read_write> stats: array<vec2f>;  // [outer, splits, inner] of (m, s); outputs of them

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  let stride = LANES * params.maskStep;
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let end = mine.first + mine.stop * params.inner;
  var pair = vec2f(FLOOR, 0.0);
  var at = mine.first + (mine.begin + lane) * params.inner;
  var seen = maskOf(mine.row) + (mine.begin + lane) * params.maskStep;
  for (; at + 3u * step < end; at += 4u * step) {
    pair = fold4(pair, loadFour(at, seen));
    seen += 4u * stride;
  }
  for (; at < end; at += step) {
    pair = fold(pair, load(at, seen));
    seen += stride;
  }
  pair = mergeLanes(pair, lid, lane);
  if (lane == 0u && out < params.outputs) { stats[out] = pair; }
}
