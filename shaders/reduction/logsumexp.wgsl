// y = m + log(sum of exp(x - m)) over each chunk of a row, with m its maximum. One chunk is the whole reduction; of more, a second run over y
// takes the logsumexp. A row in which all is masked (-inf, -3.4e38) gives -inf. Along the middle axis of [outer, axis, inner]; LANES invocations
// share an output.
// flops: 3 * outputs / splits * axis + 2 * outputs
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"

alias Scalar = f32; // dtype
alias Result = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Result>; // [outer, splits, inner]; outputs of them

fn load(i: u32) -> f32 { return f32(x[i]); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let end = mine.first + mine.stop * params.inner;
  var pair = vec2f(FLOOR, 0.0);
  var at = mine.first + (mine.begin + lane) * params.inner;
  for (; at + 3u * step < end; at += 4u * step) {
    pair = fold4(pair, vec4f(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
  }
  for (; at < end; at += step) { pair = fold(pair, load(at)); }
  pair = mergeLanes(pair, lid, lane);
  if (lane > 0u || out >= params.outputs) { return; }
  var total = pair.x + logExact(pair.y); // of a row in which all is masked -inf
  if (isBroken(pair)) { total = select(nanFrom(pair.y), pair.x, pair.x > 3.4e38); }
  y[out] = Result(total);
}
