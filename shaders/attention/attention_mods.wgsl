// A caller's functions for each score x of [B, H, L, S]: y = score_mod(x, b, h, q, k); x score_mod_grad(at); or 1 where mask_mod shows the key and 0
// where not. For the definition of attention and for the check of score_mod_grad.
// flops: items
#include "lib/index.inc.wgsl"
#include "lib/attention_mods.inc.wgsl"

override WG: u32 = 64;
override OP: u32 = 0;
const SCORE = 0u; // op
const GRADIENT = 1u; // op
const SHOWN = 2u; // op

struct Params { h: u32, l: u32, s: u32, items: u32, extras: vec4u }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> aux: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;       // [B, H, L, S]
@group(0) @binding(3) var<storage, read> at: array<f32>;      // the same
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // the same

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.items) { return; }
  let row = i / params.s;
  let b = row / params.l / params.h;
  let h = row / params.l % params.h;
  let q = row % params.l;
  let k = i % params.s;
  if (OP == SCORE) { y[i] = score_mod(x[i], b, h, q, k); }
  if (OP == GRADIENT) { y[i] = x[i] * score_mod_grad(at[i], b, h, q, k); }
  if (OP == SHOWN) { y[i] = select(0.0, 1.0, mask_mod(b, h, q, k)); }
}
