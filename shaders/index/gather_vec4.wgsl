// gather.wgsl in units of four elements along the inner axis, for indices that do not vary along it.
// bytes: min(x, y) + indices + y
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Index = i32; // dtype
override WG: u32 = 256;
override SIGNED: bool = true;

// The strides are those of indices.
struct Params { size: u32, length: u32, count: u32, inner: u32, outerStride: u32, axisStride: u32, innerStride: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;            // [outer, length, inner]
@group(0) @binding(2) var<storage, read> indices: array<Index>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<Scalar>>;      // [outer, count, inner] = [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let i = at - row * params.inner;
  let o = row / params.count;
  let j = row - o * params.count;
  var a = u32(indices[o * params.outerStride + j * params.axisStride + i * params.innerStride]);
  if (SIGNED && a >= 0x80000000u) { a += params.length; }
  var v = vec4<Scalar>();
  if (a < params.length) { v = x[(o * params.length + a) * params.inner + i]; }
  y[at] = v;
}
