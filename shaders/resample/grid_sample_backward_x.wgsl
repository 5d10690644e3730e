// The gradient of `gridSample` to x: each element sums dy times its weight over the places in the four cells around it (NEAREST: in its own), which are sorted by
// cell: in a fixed order, without atomics. An invocation has four channels of an element.
// flops: 8 * N * C * P
#include "lib/grid_sample.inc.wgsl"

alias Scalar = f32; // dtype
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;        // [N, C, P]
@group(0) @binding(2) var<storage, read> sources: array<vec2f>;    // [N, P], coordinates in x
@group(0) @binding(3) var<storage, read> order: array<i32>;        // [N, P], places by cell
@group(0) @binding(4) var<storage, read> starts: array<u32>;       // [N, (H + 1) (W + 1) + 1], where the cells begin in `order`
@group(0) @binding(5) var<storage, read_write> dx: array<Scalar>;  // [N, C, H, W]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let id = linearIndex(wid, nwg, lid, WG);
  let plane = params.H * params.W;
  let at = id % plane;
  let n = id / plane / params.chunks;
  if (n >= params.N) { return; }
  let channel = id / plane % params.chunks * 4u;
  let own = vec2f(f32(at % params.W), f32(at / params.W));
  let wide = params.W + 1u;
  let channels = (n * params.C + min(channel + vec4u(0u, 1u, 2u, 3u), vec4u(params.C - 1u))) * params.P;
  var sum = vec4f();
  for (var k = select(0u, 3u, NEAREST); k < 4u; k++) {
    let cell = n * (wide * (params.H + 1u) + 1u) + (at / params.W + (k >> 1u)) * wide + at % params.W + (k & 1u);
    let end = starts[cell + 1u];
    // Sums of 64 places are summed in turn.
    for (var begin = starts[cell]; begin < end; begin += 64u) {
      var part = vec4f();
      for (var s = begin; s < min(begin + 64u, end); s++) {
        let p = u32(order[n * params.P + s]);
        var weight = 1.0;
        if (!NEAREST) {
          let near = 1.0 - abs(sources[n * params.P + p] - own);
          weight = near.x * near.y;
        }
        let i = channels + p;
        part += weight * vec4f(f32(dy[i.x]), f32(dy[i.y]), f32(dy[i.z]), f32(dy[i.w]));
      }
      sum += part;
    }
  }
  let to = (n * params.C + channel) * plane + at;
  let lanes = params.C - channel;
  dx[to] = Scalar(sum.x);
  if (lanes > 1u) { dx[to + plane] = Scalar(sum.y); }
  if (lanes > 2u) { dx[to + 2u * plane] = Scalar(sum.z); }
  if (lanes > 3u) { dx[to + 3u * plane] = Scalar(sum.w); }
}
