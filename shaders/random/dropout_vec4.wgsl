// dropout.wgsl where sizes and offset are multiples of four: an invocation's block of words is one vec4 of x.
// flops: size
#include "lib/index.inc.wgsl"
#include "lib/philox.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override STATE: bool = false; // whether there is a state

// As in dropout.wgsl; shift is 0
struct Params { size: u32, shift: u32, first: vec4u, key: vec4u, threshold: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;             // [1]
@group(0) @binding(2) var<storage, read> x: array<vec4<Scalar>>;        // [size / 4]
@group(0) @binding(3) var<storage, read_write> y: array<vec4<Scalar>>;  // [size / 4]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let quad = linearIndex(wid, nwg, lid, WG);
  if (4u * quad >= params.size) { return; }
  var step = 0u;
  if (STATE) { step = state[0]; }
  let keep = philoxBlock(params.first.xy, quad, step, params.key.xy) >= vec4u(params.threshold);
  y[quad] = vec4<Scalar>(select(vec4f(), vec4f(x[quad]) * params.scale, keep));
}
