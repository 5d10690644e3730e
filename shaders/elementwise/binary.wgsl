// out = f(a, b), element-wise, with NumPy's broadcasting; OP says which f. For f32 and f16; integers: binary_int.wgsl.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // loops of the walk over out; 0 where nothing broadcasts
override NUMBER: u32 = 0; // 1: a is params.value for all elements; 2: b is

struct Params { size: u32, value: f32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Scalar>;
@group(0) @binding(2) var<storage, read> b: array<Scalar>;
@group(0) @binding(3) var<storage, read_write> out: array<Scalar>; // [size]

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
  var u = params.value;
  var v = params.value;
  if (NUMBER != 1) { u = f32(a[at.x]); }
  if (NUMBER != 2) { v = f32(b[at.y]); }
  out[i] = Scalar(f(u, v));
}
