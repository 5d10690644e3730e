// y[o, j, i] = scale * x[o, i]: the gradient of a sum or a mean along one axis. LANES invocations share a chunk of a row, for which x is read once.
// flops: outputs / splits
#include "lib/lanes.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>; // [outer, axis, inner], outputs = outer * splits * inner

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let value = Scalar(f32(x[mine.row]) * params.scale);
  let end = mine.first + mine.stop * params.inner;
  for (var at = mine.first + (mine.begin + laneOf(lid)) * params.inner; at < end; at += LANES * params.inner) { y[at] = value; }
}
