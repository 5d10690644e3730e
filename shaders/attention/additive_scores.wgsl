// score[b, l, s] = sum_a v[a] tanh(q[b, l, a] + k[b, s, a]), one an invocation: the sums inside tanh, A times as many, are never stored.
// Bahdanau, Cho, Bengio 2015, https://arxiv.org/abs/1409.0473, appendix A.1.2
// flops: 16 * b * l * s * a4
#include "lib/additive.inc.wgsl"

@group(0) @binding(4) var<storage, read_write> score: array<Scalar>; // [B, L, S]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let row = i / params.s;
  if (row >= params.b * params.l) { return; }
  let key = row / params.l * params.s + i % params.s;
  var sum = vec4f();
  for (var d = 0u; d < params.a4; d++) { sum += vec4f(v[d]) * tanhSum(row, key, d); }
  score[i] = Scalar((sum.x + sum.y) + (sum.z + sum.w));
}
