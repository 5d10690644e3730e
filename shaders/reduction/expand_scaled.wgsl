// y[i] = scale * x[at the same place, with the reduced axes left out]: the gradient of a sum or a mean. One invocation an element.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

// sizes and strides of y's axes in x (0 where x is repeated), the last axis first; `rank` of them are in use.
struct Params { sizes: array<vec4u, 2>, strides: array<vec4u, 2>, size: u32, rank: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  var rest = i;
  var at = 0u;
  for (var k = 0u; k < params.rank; k++) {
    let n = params.sizes[k / 4u][k % 4u];
    at += (rest % n) * params.strides[k / 4u][k % 4u];
    rest /= n;
  }
  y[i] = Scalar(f32(x[at]) * params.scale);
}
