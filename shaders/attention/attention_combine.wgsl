// Puts the ranges of keys of attention_forward.wgsl together: O = sum_z w_z O_z with w_z = exp(m_z - m) s_z / s, in order. LANES
// invocations a row.
// flops: 8 * rows * splits * dv4
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override LANES: u32 = 1;

struct Params { rows: u32, h: u32, l: u32, splits: u32, dv4: u32, oAt: vec4u }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;           // [splits, B, H, L, Dv / 4]
@group(0) @binding(2) var<storage, read> partStats: array<vec2f>;       // [splits, B, H, L]
@group(0) @binding(3) var<storage, read_write> o: array<vec4<Scalar>>;  // [B, H, L, Dv / 4] by its strides
@group(0) @binding(4) var<storage, read_write> stats: array<vec2f>;     // [B, H, L]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let index = linearIndex(wid, nwg, lid, WG);
  let i = index / LANES;
  if (i >= params.rows) { return; }
  var most = -3.3e38;
  for (var z = 0u; z < params.splits; z++) { most = max(most, partStats[z * params.rows + i].x); }
  let to = dot(params.oAt.xyz, vec3u(i / params.l / params.h, i / params.l % params.h, i % params.l));
  var total = 0.0;
  for (var d = index % LANES; d < params.dv4; d += LANES) {
    var sum = vec4f();
    total = 0.0;
    for (var z = 0u; z < params.splits; z++) {
      let stat = partStats[z * params.rows + i];
      if (stat.y == 0.0) { continue; }
      let weight = exp(stat.x - most) * stat.y;
      total += weight;
      sum += parts[(z * params.rows + i) * params.dv4 + d] * weight;
    }
    o[to + d] = vec4<Scalar>(select(sum / total, vec4f(), total == 0.0));
  }
  if (index % LANES == 0u) { stats[i] = vec2f(most, total); }
}
