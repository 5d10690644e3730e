// out[n, o, phase, c] = f(bias[c] + the sum over taps t of images[n, o stride + t dilation, c] kernels[phase, t, c]): a convolution in which each channel meets only itself,
// over images and kernels as conv_pack.wgsl leaves them. One invocation computes four channels at four neighbours along W.
// flops: 2 * count * 16 * taps
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/activation.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override BIAS: bool = false;

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

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  let quad = i % params.quads;
  let phase = i / params.quads % params.phases;
  let strip = i / (params.quads * params.phases);
  let w0 = strip % params.blocksW * 4u;
  let row = strip / params.blocksW; // of [N, D', H']
  let h = row % params.outputs.y;
  let d = row / params.outputs.y % params.outputs.x;
  let n = row / (params.outputs.y * params.outputs.x);
  let start = vec3u(d, h, w0) * params.stride.xyz * params.steps.xyz;
  let base = n * params.image + start.x + start.y + start.z + quad;
  let next = params.stride.z * params.steps.z;
  let step = params.dilation.xyz * params.steps.xyz;
  var k = phase * params.taps * params.quads + quad;
  var s0 = biasOf(quad);
  var s1 = s0;
  var s2 = s0;
  var s3 = s0;
  for (var a = 0u; a < params.kernel.x; a++) {
    for (var b = 0u; b < params.kernel.y; b++) {
      var at = base + a * step.x + b * step.y;
      for (var c = 0u; c < params.kernel.z; c++) {
        let tap = vec4f(kernels[k]);
        s0 += vec4f(images[at]) * tap;
        s1 += vec4f(images[at + next]) * tap;
        s2 += vec4f(images[at + 2u * next]) * tap;
        s3 += vec4f(images[at + 3u * next]) * tap;
        at += step.z;
        k += params.quads;
      }
    }
  }
  let across = params.phases * params.quads;
  let to = (row * params.outputs.z + w0) * across + phase * params.quads + quad;
  let left = params.outputs.z - w0;
  out[to] = vec4<Scalar>(activate4(s0));
  if (left > 1u) { out[to + across] = vec4<Scalar>(activate4(s1)); }
  if (left > 2u) { out[to + 2u * across] = vec4<Scalar>(activate4(s2)); }
  if (left > 3u) { out[to + 3u * across] = vec4<Scalar>(activate4(s3)); }
}
