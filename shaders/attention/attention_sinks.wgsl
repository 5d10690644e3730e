// The gradient of the sinks: d sink_h = - sum over b and i of exp(sink_h - maximum) / sum * delta, a sink being a score with the value 0.
// One head a workgroup, whose invocations share out its rows; their sums are added in order.
// flops: 4 * rows
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
const WG: u32 = 64;

struct Params { h: u32, l: u32, rows: u32, sinksAt: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> aux: array<u32>;                // as in lib/attention.inc.wgsl
@group(0) @binding(2) var<storage, read> rows: array<vec4f>;             // [B, H, L], of attention_delta.wgsl
@group(0) @binding(3) var<storage, read_write> dsinks: array<Scalar>;    // [H]

var<workgroup> parts: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let h = wid.x;
  let sink = bitcast<f32>(aux[params.sinksAt + h]);
  let perHead = params.rows / params.h;
  var sum = 0.0;
  for (var i = lid; i < perHead; i += WG) {
    let row = rows[(i / params.l * params.h + h) * params.l + i % params.l];
    if (row.y == 0.0) { continue; }
    sum -= exp(sink - row.x) * row.y * row.z;
  }
  parts[lid] = sum;
  workgroupBarrier();
  if (lid != 0u) { return; }
  for (var i = 1u; i < WG; i++) { sum += parts[i]; }
  dsinks[h] = Scalar(sum);
}
