// One step of Adam over a flat storage, in place:
//   m = beta1 m + (1 - beta1) g    v = beta2 v + (1 - beta2) g^2    p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
// with g the clipped gradient. Weight decay: g + decay p in place of g; DECOUPLED (AdamW): p -= lr decay p before.
// Kingma, Ba: Adam (ICLR 2015), https://arxiv.org/abs/1412.6980; Loshchilov, Hutter: Decoupled weight decay regularization (ICLR 2019),
// https://arxiv.org/abs/1711.05101. An invocation takes four elements.
// flops: 64 * count
// bytes: 112 * count
#include "lib/index.inc.wgsl"
#include "lib/step_scalars.inc.wgsl"

override WG: u32 = 256;
override DECOUPLED: bool = false;

struct Params { count: u32, beta1: f32, beta2: f32, mix1: f32, mix2: f32, eps: f32, decay: f32 } // mix: 1 - beta, from doubles
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;    // [8], see step_scalars.inc.wgsl
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;    // [count], and more
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;  // [count]
@group(0) @binding(4) var<storage, read_write> m: array<vec4f>;  // [count]
@group(0) @binding(5) var<storage, read_write> v: array<vec4f>;  // [count]

// beta mean + mix x. For beta near 1 as a step towards x, so that a constant x has itself as its mean though beta and mix are rounded; for
// beta near 0 from x, which may be far below the mean.
fn nextMean(mean: vec4f, x: vec4f, beta: f32, mix: f32) -> vec4f {
  if (mix < 0.5) { return mean + mix * (x - mean); }
  return x + beta * (mean - x);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  var w = p[i];
  var g = grads[i] * scalars[CLIP];
  // Not w * (1 - lr decay): that factor, rounded, would be off in the same direction in each step.
  if (DECOUPLED) { w -= scalars[LR] * params.decay * w; } else { g += params.decay * w; }
  let m1 = nextMean(m[i], g, params.beta1, params.mix1);
  let v1 = nextMean(v[i], g * g, params.beta2, params.mix2);
  m[i] = m1;
  v[i] = v1;
  p[i] = w - scalars[STEP_SIZE] * m1 / (sqrt(v1) * scalars[ROOT] + params.eps);
}
