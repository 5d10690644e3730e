// y[o, k, i] = scale * the sum or product of x[o, j, i] over the k-th chunk of j. One chunk is the whole reduction; of more, a second run over
// y takes the sum. LANES invocations share an output: each sums runs of elements and then those sums, and the lanes are summed as a tree.
// flops: outputs / splits * axis
#include "lib/lanes.inc.wgsl"
#include "lib/reduce_ops.inc.wgsl"

alias Scalar = f32; // dtype
alias Result = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Result>; // [outer, splits, inner]; outputs of them

var<workgroup> laneTotals: array<u32, WG>;

fn load(i: u32) -> u32 {
  if (OP <= PROD) { return bitcast<u32>(f32(x[i])); }
  return u32(x[i]);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let end = mine.first + mine.stop * params.inner;
  var at = mine.first + (mine.begin + lane) * params.inner;
  var total = vec4u(identity());
  while (at + 3u * step < end) {
    var part = vec4u(identity());
    for (var k = 0u; k < RUN && at + 3u * step < end; k++) {
      part = combine4(part, vec4u(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
      at += 4u * step;
    }
    total = combine4(total, part);
  }
  for (; at < end; at += step) { total.x = combine(total.x, load(at)); }
  var acc = combine(combine(total.x, total.z), combine(total.y, total.w));
  if (LANES > 1u) {
    laneTotals[lid] = acc;
    for (var s = LANES / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lane < s) { laneTotals[lid] = combine(laneTotals[lid], laneTotals[lid + ahead(s)]); }
    }
    acc = laneTotals[lid];
  }
  if (lane > 0u || out >= params.outputs) { return; }
  if (OP <= PROD) { y[out] = Result(bitcast<f32>(acc) * params.scale); } else { y[out] = Result(acc); }
}
