// out = f(a, b) on i32 or u32, element-wise, with NumPy's broadcasting; OP says which f. Results wrap around modulo 2^32.
#include "lib/index.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"

alias Scalar = i32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // as in binary.wgsl
override NUMBER: u32 = 0;

struct Params { size: u32, value: u32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Scalar>;
@group(0) @binding(2) var<storage, read> b: array<Scalar>;
@group(0) @binding(3) var<storage, read_write> out: array<Scalar>; // [size]

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
  if (i >= params.size) { return; }
  var at = vec2u(i, i);
  if (RANK > 0) {
    at = vec2u(0, 0);
    var rest = i;
    for (var d = 0u; d < RANK; d++) {
      let n = params.shape[d / 4][d % 4];
      let outer = rest / n;
      at += (rest - outer * n) * vec2u(params.aStrides[d / 4][d % 4], params.bStrides[d / 4][d % 4]);
      rest = outer;
    }
  }
  var u = Scalar(params.value);
  var v = Scalar(params.value);
  if (NUMBER != 1) { u = a[at.x]; }
  if (NUMBER != 2) { v = b[at.y]; }
  out[i] = f(u, v);
}
