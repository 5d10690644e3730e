// y[i] = x[offset + sum_d coord_d(i) * strides[d]]: permute, broadcast, slice, flip and tile are all this. One invocation an element.
#include "lib/index.inc.wgsl"
#include "lib/strided.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2> } // innermost axis first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.size) { y[i] = x[stridedIndex(i)]; }
}
