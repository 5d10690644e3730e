// out[n, o, phase, c] = f(bias[c] + the sum over taps t of images[n, o stride + t dilation, c] kernels[phase, t, c]): a convolution in which each channel meets only itself,
// over images and kernels as conv_pack.wgsl leaves them. One invocation computes four channels at four neighbours along W.
// flops: 2 * count * 16 * taps
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/activation.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override BIAS: bool = false;
// A loop costs more than what is in it on a CPU, so that rows of three taps are written out.
override WRITTEN: bool = false; // where the stride along W is STEP taps, 1 or 2: an element that neighbours share is then loaded once
override STEP: u32 = 1;
override SQUARE: bool = false;  // and where there are three of them

struct Params {
  count: u32, quads: u32, phases: u32, blocksW: u32, // invocations; fours of channels; fours of outputs along W
  channels: u32, taps: u32, image: u32,
  outputs: vec4u, kernel: vec4u, stride: vec4u, dilation: vec4u, steps: vec4u, // along D, H and W; `image` and `steps`: of images, in vec4s
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<vec4<Scalar>>;    // [N, D, H, W, quads]
@group(0) @binding(2) var<storage, read> kernels: array<vec4<Scalar>>;   // [phases, taps, quads]
@group(0) @binding(3) var<storage, read> bias: array<Scalar>;            // [channels], with BIAS
@group(0) @binding(4) var<storage, read_write> out: array<vec4<Scalar>>; // [N, D', H', W', phases, quads]

fn biasOf(quad: u32) -> vec4f {
  if (!BIAS) { return vec4f(); }
  let i = min(quad * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(params.channels - 1u));
  return vec4f(f32(bias[i.x]), f32(bias[i.y]), f32(bias[i.z]), f32(bias[i.w]));
}

// Four channels at four neighbours along W.
struct Four { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn image(at: u32) -> vec4f { return vec4f(images[at]); }

fn add(sums: ptr<function, Four>, v: Four, k: u32) {
  let tap = vec4f(kernels[k]);
  (*sums).a += v.a * tap;
  (*sums).b += v.b * tap;
  (*sums).c += v.c * tap;
  (*sums).d += v.d * tap;
}

// The products of a row of a kernel, which begins at k, with the row of images that begins at `begin`.
fn addRow(sums: ptr<function, Four>, begin: u32, k: u32) {
  let next = params.stride.z * params.steps.z;
  let step = params.dilation.z * params.steps.z;
  if (WRITTEN) {
    let first = Four(image(begin), image(begin + next), image(begin + 2u * next), image(begin + 3u * next));
    add(sums, first, k);
    let at = begin + step;
    let last = at + 3u * next;
    var second = Four(first.b, first.c, first.d, image(last));
    if (STEP != 1u) { second = Four(image(at), image(at + next), image(at + 2u * next), second.d); }
    add(sums, second, k + params.quads);
    var third = Four(second.b, second.c, second.d, image(last + step));
    if (STEP == 2u) { third = Four(first.b, first.c, first.d, third.d); }
    add(sums, third, k + 2u * params.quads);
    return;
  }
  for (var c = 0u; c < params.kernel.z; c++) {
    let at = begin + c * step;
    add(sums, Four(image(at), image(at + next), image(at + 2u * next), image(at + 3u * next)), k + c * params.quads);
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  // Quotients alone: a remainder would cost a division more.
  let kernel = i / params.quads; // of [N, D', H', fours along W', phases]
  let quad = i - kernel * params.quads;
  let strip = kernel / params.phases;
  let phase = kernel - strip * params.phases;
  let row = strip / params.blocksW; // of [N, D', H']
  let w0 = (strip - row * params.blocksW) * 4u;
  let volume = row / params.outputs.y;
  let h = row - volume * params.outputs.y;
  let n = volume / params.outputs.x;
  let d = volume - n * params.outputs.x;
  let corner = vec3u(d, h, w0) * params.stride.xyz * params.steps.xyz;
  let base = n * params.image + corner.x + corner.y + corner.z + quad;
  let step = params.dilation.xyz * params.steps.xyz;
  var k = phase * params.taps * params.quads + quad;
  let start = biasOf(quad);
  var sums = Four(start, start, start, start);
  if (SQUARE) {
    addRow(&sums, base, k);
    addRow(&sums, base + step.y, k + 3u * params.quads);
    addRow(&sums, base + 2u * step.y, k + 6u * params.quads);
  } else {
    for (var a = 0u; a < params.kernel.x; a++) {
      for (var b = 0u; b < params.kernel.y; b++) {
        addRow(&sums, base + a * step.x + b * step.y, k);
        k += params.kernel.z * params.quads;
      }
    }
  }
  let across = params.phases * params.quads;
  let to = (row * params.outputs.z + w0) * across + phase * params.quads + quad;
  let left = params.outputs.z - w0;
  out[to] = vec4<Scalar>(activate4(sums.a));
  if (left > 1u) { out[to + across] = vec4<Scalar>(activate4(sums.b)); }
  if (left > 2u) { out[to + 2u * across] = vec4<Scalar>(activate4(sums.c)); }
  if (left > 3u) { out[to + 3u * across] = vec4<Scalar>(activate4(sums.d)); }
}
