// lse = maximum + log(sum), the logarithm of the sum of exp(scores): -3.4e38 where a row saw nothing.
// flops: 2 * size
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"

override WG: u32 = 256;

struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> stats: array<vec2f>;        // [B, H, L], of attention_forward.wgsl
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;      // [B, H, L]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let stat = stats[i];
  if (stat.y == 0.0) {
    lse[i] = -3.4e38;
    return;
  }
  lse[i] = stat.x + logExact(stat.y);
}
