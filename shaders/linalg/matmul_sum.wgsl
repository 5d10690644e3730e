// C = f(sum of the partial products + bias), the second pass where K was split; added in order, so that the result is always the same.
// flops: size * (splits - 1 + BIAS + min(ACTIVATION, 1))
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/activation.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override BIAS: bool = false;
override SAVE: bool = false; // as in matmul.inc.wgsl

struct Params {
  size: u32, m: u32, n: u32, splits: u32, biasM: u32, biasN: u32, saveAt: u32, rank: u32,
  dims: array<vec4u, 6>, // of the batch, outermost first: size, two strides not used here, and that of bias
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;    // [splits, size]
@group(0) @binding(2) var<storage, read> bias: array<Scalar>;    // broadcast to C by its strides
@group(0) @binding(3) var<storage, read_write> c: array<Scalar>; // [batch, M, N]

fn biasIndex(i: u32) -> u32 {
  var at = i % params.n * params.biasN + i / params.n % params.m * params.biasM;
  var rest = i / (params.n * params.m);
  for (var d = params.rank; d > 0u; d--) {
    let dim = params.dims[d - 1u];
    at += rest % dim.x * dim.w;
    rest /= dim.x;
  }
  return at;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  var sum = 0.0;
  for (var s = 0u; s < params.splits; s++) { sum += partial[s * params.size + i]; }
  if (BIAS) { sum += f32(bias[biasIndex(i)]); }
  if (SAVE) { c[params.saveAt + i] = Scalar(sum); }
  c[i] = Scalar(activate(sum));
}
