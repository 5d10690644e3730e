// From scores S and the gradients dP of the weights, in place: P = exp(scale S - maximum) / sum, dS = scale P (dP - delta). For attention by
// matrices; four keys an invocation.
// flops: 7 * count * 4
// bytes: 64 * count
#include "lib/index.inc.wgsl"

override WG: u32 = 16;

struct Params { count: u32, s4: u32, first: u32, scale: f32 } // count: vec4s; s4: S / 4; first: the row of all that row 0 here is
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<vec4f>;      // [B, H, L], of attention_delta.wgsl
@group(0) @binding(2) var<storage, read_write> s: array<vec4f>;   // [rows, S / 4]
@group(0) @binding(3) var<storage, read_write> dp: array<vec4f>;  // the same

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  let stat = rows[params.first + i / params.s4];
  let p = exp(params.scale * s[i] - stat.x) * stat.y;
  s[i] = p;
  dp[i] = params.scale * p * (dp[i] - stat.z);
}
