// What the backward pass needs of a row beside its scores: the maximum, the reciprocal of the sum, and delta = dO . O - dlse, since
// dS = P (dP - delta) (Dao et al.: FlashAttention, arXiv:2205.14135, appendix B.2). One row an invocation.
// flops: 8 * rows * dv4
#include "lib/attention.inc.wgsl"

override WG: u32 = 64;
override LSE: bool = false; // whether there is a gradient of lse

@group(0) @binding(3) var<storage, read> o: array<vec4<Scalar>>;       // [B, H, L, Dv / 4] by its strides
@group(0) @binding(4) var<storage, read> dO: array<vec4<Scalar>>;      // the same
@group(0) @binding(5) var<storage, read> dlse: array<f32>;             // [B, H, L]
@group(0) @binding(6) var<storage, read> stats: array<vec2f>;          // [B, H, L]
@group(0) @binding(7) var<storage, read_write> rows: array<vec4f>;     // [B, H, L]: maximum, 1 / sum or 0, delta

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.rows) { return; }
  let row = vec3u(i / params.l / params.h, i / params.l % params.h, i % params.l);
  let stat = stats[i];
  var delta = 0.0;
  // What stands in the gradient of a row that saw nothing does not matter, be it NaN.
  if (stat.y == 0.0) {
    rows[i] = vec4f(stat.x, 0.0, 0.0, 0.0);
    return;
  }
  let at = dot(params.oAt.xyz, row);
  var sum = vec4f();
  for (var d = 0u; d < params.dv4; d++) { sum += vec4f(o[at + d]) * vec4f(dO[at + d]); }
  delta = (sum.x + sum.y) + (sum.z + sum.w);
  if (LSE) { delta -= dlse[i]; }
  rows[i] = vec4f(stat.x, 1.0 / stat.y, delta, 0.0);
}
