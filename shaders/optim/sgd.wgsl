// One step of stochastic gradient descent over a flat storage, in place: with the gradient g, clipped and with decay p added,
//   b = momentum b + mix g    p -= lr d    where d = b, or g + momentum b with NESTEROV, or g without MOMENTUM.
// mix is 1 in the first step and 1 - dampening in later ones, as in PyTorch. Sutskever, Martens, Dahl, Hinton: On the importance of
// initialization and momentum in deep learning (ICML 2013). An invocation takes four elements.
// flops: 4 * count * (5 + 3 * MOMENTUM + 2 * NESTEROV)
// bytes: 16 * count * (3 + 2 * MOMENTUM)
#include "lib/index.inc.wgsl"
#include "lib/step_scalars.inc.wgsl"

override WG: u32 = 256;
override MOMENTUM: bool = false;
override NESTEROV: bool = false;

struct Params { count: u32, momentum: f32, decay: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;    // [8], see step_scalars.inc.wgsl
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;    // [count], and more
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;  // [count]
@group(0) @binding(4) var<storage, read_write> b: array<vec4f>;  // [count]; not used without MOMENTUM

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  let w = p[i];
  let g = grads[i] * scalars[CLIP] + params.decay * w;
  var d = g;
  if (MOMENTUM) {
    let next = params.momentum * b[i] + scalars[MIX] * g;
    b[i] = next;
    d = next;
    if (NESTEROV) { d = g + params.momentum * next; }
  }
  p[i] = w - scalars[LR] * d;
}
