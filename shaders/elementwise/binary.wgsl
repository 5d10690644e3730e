// out = f(a, b), element-wise, with NumPy's broadcasting, four elements an invocation; OP says which f. For f32 and f16; integers: binary_int.wgsl.
// flops: size
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/power.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"
#include "lib/operands.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, value: f32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Scalar>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<Scalar>>; // [size]

fn f(u: f32, v: f32) -> f32 {
  switch (OP) {
    case ADD: { return u + v; }
    case SUB: { return u - v; }
    case MUL: { return u * v; }
    case DIV: { return u / v; }
    case POW: { return power(u, v); }
    case MAXIMUM: { return select(select(v, u, u > v), u + v, isNan(u) || isNan(v)); }
    case MINIMUM: { return select(select(v, u, u < v), u + v, isNan(u) || isNan(v)); }
    default: { return u; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let o = operandsAt(i);
  var u = vec4f(o.a);
  var v = vec4f(o.b);
  if (NUMBER == 1) { u = vec4f(params.value); }
  if (NUMBER == 2) { v = vec4f(params.value); }
  let result = vec4<Scalar>(vec4f(f(u.x, v.x), f(u.y, v.y), f(u.z, v.z), f(u.w, v.w)));
  if (left >= 4) { out[i] = result; } else { for (var k = 0u; k < left; k++) { out[i][k] = result[k]; } }
}
