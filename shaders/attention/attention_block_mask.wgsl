// The class of each block of 32 queries and 32 keys of a mask_mod: whether it hides all of it, some or none. One block an invocation.
// flops: 0
#include "lib/index.inc.wgsl"
#include "lib/attention_mods.inc.wgsl"

override WG: u32 = 64;

struct Params { h: u32, l: u32, s: u32, items: u32, extras: vec4u }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> aux: array<u32>;
@group(0) @binding(2) var<storage, read_write> classes: array<u32>; // [B, H, L / 32, S / 32], rounded up

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.items) { return; }
  let across = (params.s + MASK_BLOCK - 1u) / MASK_BLOCK;
  let down = (params.l + MASK_BLOCK - 1u) / MASK_BLOCK;
  let first = vec2u(i / across % down, i % across) * MASK_BLOCK;
  let end = min(first + MASK_BLOCK, vec2u(params.l, params.s));
  let b = i / across / down / params.h;
  let h = i / across / down % params.h;
  var shown = 0u;
  for (var q = first.x; q < end.x; q++) {
    for (var k = first.y; k < end.y; k++) { shown += select(0u, 1u, mask_mod(b, h, q, k)); }
  }
  let all = (end.x - first.x) * (end.y - first.y);
  classes[i] = select(select(PARTIAL_BLOCK, FULL_BLOCK, shown == all), EMPTY_BLOCK, shown == 0u);
}
