// With t = tanh(q[b, l] + k[b, s]): dq[b, l] = v sum_s ds (1 - t^2), and the row's part of the gradient of v, sum_s ds t. One vec4 of a row of q
// an invocation. Where a query is alone with its keys (ONE) dk[b, s] = v ds (1 - t^2) comes with it.
// flops: 28 * b * l * s * a4
#include "lib/additive.inc.wgsl"

override ONE: bool = false; // whether L is 1

@group(0) @binding(4) var<storage, read> ds: array<Scalar>;             // [B, L, S]
@group(0) @binding(5) var<storage, read_write> dq: array<vec4<Scalar>>; // as q
@group(0) @binding(6) var<storage, read_write> dv: array<vec4<Scalar>>; // [B, L, A / 4], to be summed over the rows
@group(0) @binding(7) var<storage, read_write> dk: array<vec4<Scalar>>; // as k; left alone without ONE

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let row = i / params.a4;
  let d = i % params.a4;
  if (row >= params.b * params.l) { return; }
  let weight = vec4f(v[d]);
  let first = row / params.l * params.s;
  var forQ = vec4f();
  var forV = vec4f();
  for (var s = 0u; s < params.s; s++) {
    let t = tanhSum(row, first + s, d);
    let g = f32(ds[row * params.s + s]);
    let slope = g * (1.0 - t * t);
    forQ += slope;
    forV += g * t;
    if (ONE) { dk[(first + s) * params.a4 + d] = vec4<Scalar>(weight * slope); }
  }
  dq[i] = vec4<Scalar>(weight * forQ);
  dv[i] = vec4<Scalar>(forV);
}
