// y = x, a vec4 an invocation: what memory can deliver at best.
#include "lib/index.inc.wgsl"

override WG: u32 = 256;

struct Params { quads: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;       // [4 quads]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>; // [4 quads]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.quads) { y[i] = x[i]; }
}
