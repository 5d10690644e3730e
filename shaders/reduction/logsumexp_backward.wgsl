// dx[o, j, i] = dy[o, i] * exp(x[o, j, i] - y[o, i]); zeros in a row in which all is masked. One invocation an element.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, axis, inner]; size of them
@group(0) @binding(2) var<storage, read> y: array<Scalar>;        // [outer, inner]
@group(0) @binding(3) var<storage, read> dy: array<Scalar>;       // [outer, inner]
@group(0) @binding(4) var<storage, read_write> dx: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let row = (i / params.inner / params.axis) * params.inner + i % params.inner;
  let total = f32(y[row]);
  dx[i] = Scalar(select(f32(dy[row]) * exp(f32(x[i]) - total), 0.0, total <= -3.3e38));
}
