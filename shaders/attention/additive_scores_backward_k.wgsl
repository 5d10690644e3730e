// dk[b, s] = v sum_l ds (1 - t^2) with t = tanh(q[b, l] + k[b, s]), one vec4 of a row of k an invocation.
// flops: 20 * b * l * s * a4
#include "lib/additive.inc.wgsl"

@group(0) @binding(4) var<storage, read> ds: array<Scalar>;             // [B, L, S]
@group(0) @binding(5) var<storage, read_write> dk: array<vec4<Scalar>>; // as k

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let row = i / params.a4;
  let d = i % params.a4;
  if (row >= params.b * params.s) { return; }
  let first = row / params.s * params.l;
  var sum = vec4f();
  for (var l = 0u; l < params.l; l++) {
    let t = tanhSum(first + l, row, d);
    sum += f32(ds[(first + l) * params.s + row % params.s]) * (1.0 - t * t);
  }
  dk[i] = vec4<Scalar>(vec4f(v[d]) * sum);
}
