// out[i] = start + i * step, for f32, i32 and u32.
// flops: 2 * size
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, start: u32, step: u32 } // bits of Scalar
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<Scalar>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.size) { out[i] = bitcast<Scalar>(params.start) + Scalar(i) * bitcast<Scalar>(params.step); }
}
