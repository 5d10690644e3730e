// out = a OP b as bool, element-wise, with NumPy's broadcasting, for any type of number. Each invocation writes one word: four elements.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // as in binary.wgsl
override NUMBER: u32 = 0;
override FLOAT: bool = true;
override OP: u32 = 0;
const EQUAL = 0u; // op
const NOT_EQUAL = 1u; // op
const LESS = 2u; // op
const LESS_EQUAL = 3u; // op
const GREATER = 4u; // op
const GREATER_EQUAL = 5u; // op

struct Params { size: u32, value: f32, bits: u32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Scalar>;
@group(0) @binding(2) var<storage, read> b: array<Scalar>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>; // [size] bool

fn holds(u: Scalar, v: Scalar) -> bool {
  if (FLOAT && (isNan(f32(u)) || isNan(f32(v)))) { return OP == NOT_EQUAL; }
  switch (OP) {
    case EQUAL: { return u == v; }
    case NOT_EQUAL: { return u != v; }
    case LESS: { return u < v; }
    case LESS_EQUAL: { return u <= v; }
    case GREATER: { return u > v; }
    default: { return u >= v; }
  }
}

fn number() -> Scalar {
  if (FLOAT) { return Scalar(params.value); }
  return Scalar(params.bits);
}

fn compare(i: u32) -> bool {
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
  var u = number();
  var v = u;
  if (NUMBER != 1) { u = a[at.x]; }
  if (NUMBER != 2) { v = b[at.y]; }
  return holds(u, v);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let word = linearIndex(wid, nwg, lid, WG);
  if (word * 4 >= params.size) { return; }
  var bytes = 0u;
  for (var k = 0u; k < 4; k++) {
    let i = word * 4 + k;
    if (i < params.size && compare(i)) { bytes |= 1u << (8 * k); }
  }
  out[word] = bytes;
}
