// out = flat * scalars[CLIP]: packed gradients brought down to the largest norm allowed. An invocation takes four elements.
// flops: 4 * count
// bytes: 32 * count
#include "lib/index.inc.wgsl"
#include "lib/step_scalars.inc.wgsl"

override WG: u32 = 256;

struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;      // [8], as tick.wgsl leaves them
@group(0) @binding(2) var<storage, read> flat: array<vec4f>;       // [count], and more
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;  // [count]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.count) { out[i] = flat[i] * scalars[CLIP]; }
}
