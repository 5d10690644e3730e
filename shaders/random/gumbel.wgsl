// y[i] = x[i] - log(-log(u)), where u in (0, 1) is element offset + i of a Philox stream: (k + 1/2) 2^-23 with k its word's upper 23 bits. Added
// is thus a number of Gumbel's distribution, from -2.9 to 16.7. An invocation takes one quad of words.
// flops: 3 * size
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/philox.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override STATE: bool = false; // whether there is a state

struct Params { size: u32, shift: u32, first: vec4u, key: vec4u } // see uniform.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;       // [1]
@group(0) @binding(2) var<storage, read> x: array<Scalar>;        // [size]
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>;  // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let quad = linearIndex(wid, nwg, lid, WG);
  if (4u * quad >= params.size + params.shift) { return; }
  var step = 0u;
  if (STATE) { step = state[0]; }
  let words = philoxBlock(params.first.xy, quad, step, params.key.xy);
  for (var lane = 0u; lane < 4u; lane++) {
    let i = 4u * quad + lane - params.shift; // wraps beyond size for what lies before the first
    if (i < params.size) {
      let u = (f32(words[lane] >> 9u) + 0.5) * (2.0 * TWO_TO_MINUS_24);
      y[i] = Scalar(f32(x[i]) - logExact(-logExact(u)));
    }
  }
}
