// dx[o, j, i] = dy[o, i] * exp(x[o, j, i] - y[o, i]); zeros in a row in which all is masked. LANES invocations share a chunk of a row.
// flops: 3 * outputs / splits * axis
#include "lib/lanes.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, axis, inner], outputs = outer * splits * inner
@group(0) @binding(2) var<storage, read> y: array<Scalar>;        // [outer, inner]
@group(0) @binding(3) var<storage, read> dy: array<Scalar>;       // [outer, inner]
@group(0) @binding(4) var<storage, read_write> dx: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let total = f32(y[mine.row]);
  let g = f32(dy[mine.row]);
  for (var j = mine.begin + laneOf(lid); j < mine.stop; j += LANES) {
    let at = mine.first + j * params.inner;
    dx[at] = Scalar(select(g * exp(f32(x[at]) - total), 0.0, total <= -3.3e38));
  }
}
