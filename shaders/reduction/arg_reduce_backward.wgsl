// dx[o, j, i] = dy[o, i] where j is index[o, i], else 0: the gradient of a maximum or minimum. One invocation an element.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;       // [outer, inner]
@group(0) @binding(2) var<storage, read> index: array<i32>;       // [outer, inner]
@group(0) @binding(3) var<storage, read_write> dx: array<Scalar>; // [outer, axis, inner]; size of them

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let group = i / params.inner;
  let row = (group / params.axis) * params.inner + i % params.inner;
  dx[i] = select(Scalar(0.0), dy[row], u32(index[row]) == group % params.axis);
}
