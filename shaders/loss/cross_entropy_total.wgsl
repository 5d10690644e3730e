// The sum (or mean) of the rows' losses, and what it was multiplied with. One workgroup.
// flops: 2 * rows
#include "lib/cross_entropy.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 1;

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> stats: array<vec4f>; // [rows + 1]; the last one is written
@group(0) @binding(2) var<storage, read_write> loss: array<Scalar>; // [1]

var<workgroup> totals: array<vec2f, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lid: u32) {
  var total = vec2f(0.0);
  var row = lid;
  while (row < params.rows) {
    var part = vec2f(0.0); // sums of sums, against rounding
    for (var k = 0u; k < 64u && row < params.rows; k++) {
      part += vec2f(stats[row].w, counted(stats[row]));
      row += WG;
    }
    total += part;
  }
  if (WG > 1u) {
    totals[lid] = total;
    for (var s = WG / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lid < s) { totals[lid] += totals[lid + s]; }
    }
    total = totals[0];
  }
  if (lid > 0u) { return; }
  let scale = reductionScale(total.y);
  loss[0] = Scalar(total.x * scale);
  stats[params.rows] = vec4f(scale, 0.0, 0.0, 0.0);
}
