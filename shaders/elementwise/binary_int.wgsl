// out = f(a, b) on i32 or u32, element-wise, with NumPy's broadcasting, four elements an invocation; OP says which f. Results wrap around modulo 2^32.
#include "lib/index.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"
#include "lib/operands.inc.wgsl"

alias Scalar = i32; // dtype
override WG: u32 = 256;

struct Params { size: u32, value: u32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Scalar>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<Scalar>>; // [size]

// u^v by squaring. A negative exponent leaves 1/u truncated: 1, -1 or 0.
fn power(u: Scalar, v: Scalar) -> Scalar {
  if (v < 0) { return select(Scalar(0), select(u, Scalar(1), (v & 1) == 0), u * u == 1); }
  var result = Scalar(1);
  var base = u;
  for (var n = u32(v); n > 0; n >>= 1) {
    if ((n & 1) == 1) { result *= base; }
    base *= base;
  }
  return result;
}

fn f(u: Scalar, v: Scalar) -> Scalar {
  switch (OP) {
    case ADD: { return u + v; }
    case SUB: { return u - v; }
    case MUL: { return u * v; }
    case DIV: { return select(u / v, Scalar(0), v == 0); }
    case POW: { return power(u, v); }
    case MAXIMUM: { return max(u, v); }
    case MINIMUM: { return min(u, v); }
    default: { return u; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let o = operandsAt(i);
  var u = o.a;
  var v = o.b;
  if (NUMBER == 1) { u = vec4<Scalar>(Scalar(params.value)); }
  if (NUMBER == 2) { v = vec4<Scalar>(Scalar(params.value)); }
  let result = vec4<Scalar>(f(u.x, v.x), f(u.y, v.y), f(u.z, v.z), f(u.w, v.w));
  if (left >= 4) { out[i] = result; } else { for (var k = 0u; k < left; k++) { out[i][k] = result[k]; } }
}
