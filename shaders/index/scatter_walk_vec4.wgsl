// scatter_walk.wgsl in units of four elements along the inner axis, for indices that do not vary along it.
// flops: 4 * size / length * count
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Index = i32; // dtype
override WG: u32 = 256;
override SIGNED: bool = true;
override INTEGER: bool = false;
override BASE: bool = false;

// The strides are those of indices.
struct Params { size: u32, length: u32, count: u32, inner: u32, outerStride: u32, axisStride: u32, innerStride: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<Scalar>>;           // [outer, count, inner]
@group(0) @binding(2) var<storage, read> indices: array<Index>;
@group(0) @binding(3) var<storage, read> base: array<vec4<Scalar>>;         // [outer, length, inner]
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Scalar>>;      // [outer, length, inner] = [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let i = at - row * params.inner;
  let o = row / params.length;
  let a = row - o * params.length;
  // What a negative index for the same place looks like.
  let below = select(a, a - params.length, SIGNED);
  var floats = vec4f();
  var whole = vec4u();
  if (BASE) {
    floats = vec4f(base[at]);
    whole = vec4u(base[at]);
  }
  for (var j = 0u; j < params.count; j++) {
    let index = u32(indices[o * params.outerStride + j * params.axisStride + i * params.innerStride]);
    if (index != a && index != below) { continue; }
    let v = dy[(o * params.count + j) * params.inner + i];
    if (INTEGER) { whole += vec4u(v); } else { floats += vec4f(v); }
  }
  if (INTEGER) { y[at] = vec4<Scalar>(whole); } else { y[at] = vec4<Scalar>(floats); }
}
