// out[i] = bits, by whole words: zeros, constants of any 4-byte type, and pairs or quadruples of smaller ones.
#include "lib/index.inc.wgsl"

override WG: u32 = 256;

struct Params { words: u32, bits: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>; // [words]; any type, seen as words

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.words) { out[i] = params.bits; }
}
