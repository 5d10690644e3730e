// y[o, indices[o, j, i], i] = dy[o, j, i], for indices that do not repeat in a row: what sort and top-k give. The rest of y is left as it
// is. One invocation an element of dy.
// bytes: 2 * dy + indices
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, length: u32, count: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;       // [outer, count, inner] = [size]
@group(0) @binding(2) var<storage, read> indices: array<i32>;     // [outer, count, inner]
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>;  // [outer, length, inner]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let a = u32(indices[at]);
  if (a < params.length) { y[(row / params.count * params.length + a) * params.inner + at - row * params.inner] = dy[at]; }
}
