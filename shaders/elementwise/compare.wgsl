// out = a OP b as bool, element-wise, with NumPy's broadcasting, for any type of number. Each invocation writes one word: four elements.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/operands.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
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
@group(0) @binding(1) var<storage, read> a: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Scalar>>;
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

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i * 4 >= params.size) { return; }
  let o = operandsAt(i);
  var u = o.a;
  var v = o.b;
  if (NUMBER == 1) { u = vec4<Scalar>(number()); }
  if (NUMBER == 2) { v = vec4<Scalar>(number()); }
  out[i] = select(0u, 1u, holds(u.x, v.x)) | select(0u, 0x100u, holds(u.y, v.y)) | select(0u, 0x10000u, holds(u.z, v.z))
    | select(0u, 0x1000000u, holds(u.w, v.w));
}
