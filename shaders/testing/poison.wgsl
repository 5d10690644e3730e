// Fills fresh memory with a pattern that must not survive, and the words behind it with one that must.
#include "lib/index.inc.wgsl"

override WG: u32 = 256;

struct Params { words: u32, total: u32, poison: u32, guard: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>; // [total]: words of data, then the guard

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.total) { out[i] = select(params.guard, params.poison, i < params.words); }
}
