// P = exp(scale S - maximum) / sum of each row of scores, in place, and both of those numbers. For attention by matrices; a row an invocation.
// flops: 6 * rows * s4 * 4
// bytes: 32 * rows * s4
#include "lib/index.inc.wgsl"

override WG: u32 = 16;

struct Params { rows: u32, s4: u32, first: u32, scale: f32 } // s4: S / 4; first: the row of all that row 0 here is
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4f>; // [rows, S / 4]
@group(0) @binding(2) var<storage, read_write> stats: array<vec2f>;  // [B, H, L]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = linearIndex(wid, nwg, lid, WG);
  if (row >= params.rows) { return; }
  let begin = row * params.s4;
  let end = begin + params.s4;
  // The largest of scale s, whatever the sign of the scale.
  var top = params.scale * scores[begin];
  for (var i = begin + 1u; i < end; i++) { top = max(top, params.scale * scores[i]); }
  let most = max(max(top.x, top.y), max(top.z, top.w));
  var sums = vec4f();
  for (var i = begin; i < end; i++) {
    let e = exp(params.scale * scores[i] - most);
    scores[i] = e;
    sums += e;
  }
  let sum = (sums.x + sums.y) + (sums.z + sums.w);
  for (var i = begin; i < end; i++) { scores[i] = scores[i] / sum; }
  stats[params.first + row] = vec2f(most, sum);
}
