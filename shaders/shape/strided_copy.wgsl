// y[i] = x[offset + sum_d coord_d(i) * strides[d]]: permute, broadcast, slice, flip and tile are all this. Four elements an invocation, which
// share the divisions unless the innermost axis ends among them.
// bytes: min(x, y) + y
#include "lib/index.inc.wgsl"
#include "lib/strided.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2> } // innermost axis first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let first = 4u * i;
  let left = params.size - min(params.size, first);
  if (left == 0u) { return; }
  let at = stridedIndex(first);
  let step = params.strides[0].x;
  var v = vec4<Scalar>(x[at]);
  if (first % params.shape[0].x + 4u <= params.shape[0].x) {
    v = vec4<Scalar>(v.x, x[at + step], x[at + 2u * step], x[at + 3u * step]);
  } else if (left >= 4u) {
    v = vec4<Scalar>(v.x, x[stridedIndex(first + 1u)], x[stridedIndex(first + 2u)], x[stridedIndex(first + 3u)]);
  } else {
    for (var k = 1u; k < left; k++) { v[k] = x[stridedIndex(first + k)]; }
  }
  if (left >= 4u) { y[i] = v; } else { for (var k = 0u; k < left; k++) { y[i][k] = v[k]; } }
}
