// out[i] = low + span * u, where u in [0, 1) is element offset + i of a Philox stream: its word's upper 24 bits times 2^-24. The same bits
// on every adapter. An invocation takes one quad of words.
// flops: 3 * size
#include "lib/index.inc.wgsl"
#include "lib/philox.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override STATE: bool = false; // whether there is a state

// first: the number of the first quad, 64 bits; shift: offset mod 4; last: the largest value below the range's end; zero: 0
struct Params { size: u32, shift: u32, first: vec4u, key: vec4u, low: f32, span: f32, last: f32, zero: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;         // [1]
@group(0) @binding(2) var<storage, read_write> out: array<Scalar>;  // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let quad = linearIndex(wid, nwg, lid, WG);
  if (4u * quad >= params.size + params.shift) { return; }
  var step = 0u;
  if (STATE) { step = state[0]; }
  let words = philoxBlock(params.first.xy, quad, step, params.key.xy);
  for (var lane = 0u; lane < 4u; lane++) {
    let i = 4u * quad + lane - params.shift; // wraps beyond size for what lies before the first
    // Through a zero the compiler does not know: it must not fuse product and sum, which would round once instead of twice.
    let scaled = bitcast<f32>(bitcast<u32>(f32(words[lane] >> 8u) * TWO_TO_MINUS_24 * params.span) ^ params.zero);
    if (i < params.size) { out[i] = Scalar(min(params.low + scaled, params.last)); }
  }
}
