// y = value, but for the elements (begin + step * j) on each axis, which are x[j]: pad, and the gradient of slice. The inverse of strided_copy.wgsl for a
// slice. Four elements an invocation, which share the divisions unless the innermost axis ends among them.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
#include "lib/placed.inc.wgsl"
override WG: u32 = 256;

@group(0) @binding(1) var<storage, read> x: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let first = 4u * i;
  let left = params.size - min(params.size, first);
  if (left == 0u) { return; }
  var v = vec4<Scalar>(emptyValue());
  let inner = params.axes[0];
  let start = first % inner.x;
  if (start + 4u <= inner.x) {
    let outer = placedAt(first / inner.x, 1u);
    if (outer.inside) {
      let ahead = start + vec4u(0u, 1u, 2u, 3u) - inner.y;
      var j = ahead;
      if (inner.z != 1u) { j = ahead / inner.z; }
      let inside = (j < vec4u(inner.w)) & (j * inner.z == ahead);
      let at = outer.at + j * params.strides[0].x;
      v = select(v, vec4<Scalar>(x[at.x], x[at.y], x[at.z], x[at.w]), inside);
    }
  } else {
    for (var k = 0u; k < min(left, 4u); k++) {
      let p = placedAt(first + k, 0u);
      if (p.inside) { v[k] = x[p.at]; }
    }
  }
  if (left >= 4u) { y[i] = v; } else { for (var k = 0u; k < left; k++) { y[i][k] = v[k]; } }
}
