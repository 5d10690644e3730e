// y = f(x) on i32 or u32, element-wise, four elements an invocation; OP says which f. Results wrap around modulo 2^32.
#include "lib/index.inc.wgsl"

alias Scalar = i32; // dtype
override WG: u32 = 256;
override OP: u32 = 0;
const NEG = 0u; // op
const ABS = 1u; // op
const SIGN = 2u; // op
const SQUARE = 3u; // op
const RELU = 4u; // op
const CLAMP = 5u; // op

struct Params { size: u32, a: u32, b: u32 } // a, b: ends of clamp, the bits of Scalar
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;        // [size]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>;  // [size]

fn f(v: Scalar) -> Scalar {
  switch (OP) {
    case NEG: { return Scalar(0) - v; }
    case ABS: { return abs(v); }
    case SIGN: { return select(select(Scalar(0), Scalar(0) - 1, v < 0), Scalar(1), v > 0); }
    case SQUARE: { return v * v; }
    case RELU: { return max(v, Scalar(0)); }
    case CLAMP: { return clamp(v, Scalar(params.a), Scalar(params.b)); }
    default: { return v; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let v = x[i];
  let r = vec4<Scalar>(f(v.x), f(v.y), f(v.z), f(v.w));
  if (left >= 4) { y[i] = r; } else { for (var k = 0u; k < left; k++) { y[i][k] = r[k]; } }
}
