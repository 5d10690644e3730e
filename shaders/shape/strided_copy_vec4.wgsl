// strided_copy.wgsl in units of four elements, where the innermost axis is contiguous and all sizes and strides are multiples of 4.
// bytes: min(x, y) + y
#include "lib/index.inc.wgsl"
#include "lib/strided.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2> } // in vec4s; innermost axis first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.size) { y[i] = x[stridedIndex(i)]; }
}
