// out[i] = mean + deviation * z, where z is element offset + i of a Philox stream of standard normals; a pair of words makes a pair of them. An
// invocation takes one quad of words.
// flops: 5.5 * size
#include "lib/index.inc.wgsl"
#include "lib/philox.inc.wgsl"
#include "lib/normal.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override STATE: bool = false; // whether there is a state

struct Params { size: u32, shift: u32, first: vec4u, key: vec4u, mean: f32, deviation: f32 } // see uniform.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;         // [1]
@group(0) @binding(2) var<storage, read_write> out: array<Scalar>;  // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let quad = linearIndex(wid, nwg, lid, WG);
  if (4u * quad >= params.size + params.shift) { return; }
  var step = 0u;
  if (STATE) { step = state[0]; }
  let z = normals(philoxBlock(params.first.xy, quad, step, params.key.xy));
  for (var lane = 0u; lane < 4u; lane++) {
    let i = 4u * quad + lane - params.shift;
    if (i < params.size) { out[i] = Scalar(params.mean + params.deviation * z[lane]); }
  }
}
