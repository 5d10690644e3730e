// sums[chunk, t, c] = the sum over the rows (n, d, h) of a chunk and over w of slopes[row, w, c] images[(row, w) stride + t dilation, c]: parts of the gradient of a depthwise
// convolution's weights, four channels an invocation.
// flops: 8 * chunks * taps * quads * chunk * outputs
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

struct Params {
  chunks: u32, chunk: u32, rows: u32, outputs: u32, // rows a chunk; [N, D', H'] together; W'
  taps: u32, quads: u32, image: u32, d: u32, h: u32, // D' and H'
  kernel: vec4u, stride: vec4u, dilation: vec4u, steps: vec4u, // along D, H and W; `image` and `steps`: of images, in vec4s
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<vec4<Scalar>>; // [N, D, H, W, quads]
@group(0) @binding(2) var<storage, read> slopes: array<vec4<Scalar>>; // [N, D', H', W', quads]
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;    // [chunks, taps, quads]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let quad = i % params.quads;
  let tap = i / params.quads % params.taps;
  let chunk = i / params.quads / params.taps;
  if (chunk >= params.chunks) { return; }
  let taps = params.kernel;
  let offset = vec3u(tap / taps.z / taps.y, tap / taps.z % taps.y, tap % taps.z) * params.dilation.xyz * params.steps.xyz;
  let base = offset.x + offset.y + offset.z + quad;
  let next = params.stride.xyz * params.steps.xyz;
  var sum = vec4f();
  for (var row = chunk * params.chunk; row < min(chunk * params.chunk + params.chunk, params.rows); row++) {
    let h = row % params.h;
    let d = row / params.h % params.d;
    var at = base + row / params.h / params.d * params.image + d * next.x + h * next.y;
    var slope = row * params.outputs * params.quads + quad;
    for (var w = 0u; w < params.outputs; w++) {
      sum += vec4f(images[at]) * vec4f(slopes[slope]);
      at += next.z;
      slope += params.quads;
    }
  }
  sums[i] = sum;
}
