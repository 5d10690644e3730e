// y[i] = x[i] * scale where word offset + i of a Philox stream is at least `threshold`, else 0. The backward pass is the same kernel on dy. An
// invocation takes one quad of words.
// flops: size
#include "lib/index.inc.wgsl"
#include "lib/philox.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override STATE: bool = false; // whether there is a state

// threshold: p * 2^32; scale: 1 / (1 - p); see uniform.wgsl for the rest
struct Params { size: u32, shift: u32, first: vec4u, key: vec4u, threshold: u32, scale: f32 }
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
    let i = 4u * quad + lane - params.shift;
    if (i < params.size) {
      // Not a product with 0: what is dropped may be NaN or infinite.
      var kept = 0.0;
      if (words[lane] >= params.threshold) { kept = f32(x[i]) * params.scale; }
      y[i] = Scalar(kept);
    }
  }
}
