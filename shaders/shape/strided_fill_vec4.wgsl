// strided_fill.wgsl in units of four elements, where the innermost axis has step 1 and multiples of 4 everywhere.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
#include "lib/placed.inc.wgsl"
override WG: u32 = 256;

@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let p = placedAt(i, 0u);
  var v = vec4<Scalar>(emptyValue());
  if (p.inside) { v = x[p.at]; }
  y[i] = v;
}
