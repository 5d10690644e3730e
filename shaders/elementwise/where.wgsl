// out = cond ? a : b, element-wise, with NumPy's broadcasting among the three, for any type of number.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // as in binary.wgsl
override NUMBER: u32 = 0;
override FLOAT: bool = true;

struct Params {
  size: u32, value: f32, bits: u32,
  shape: array<vec4u, 2>, condStrides: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2>, // innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cond: array<u32>; // bool, four to a word
@group(0) @binding(2) var<storage, read> a: array<Scalar>;
@group(0) @binding(3) var<storage, read> b: array<Scalar>;
@group(0) @binding(4) var<storage, read_write> out: array<Scalar>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  var at = vec3u(i, i, i);
  if (RANK > 0) {
    at = vec3u(0, 0, 0);
    var rest = i;
    for (var d = 0u; d < RANK; d++) {
      let n = params.shape[d / 4][d % 4];
      let outer = rest / n;
      at += (rest - outer * n) * vec3u(params.condStrides[d / 4][d % 4], params.aStrides[d / 4][d % 4], params.bStrides[d / 4][d % 4]);
      rest = outer;
    }
  }
  var number = Scalar(params.bits);
  if (FLOAT) { number = Scalar(params.value); }
  if (((cond[at.x / 4] >> (8 * (at.x % 4))) & 0xff) != 0) {
    if (NUMBER == 1) { out[i] = number; } else { out[i] = a[at.y]; }
  } else {
    if (NUMBER == 2) { out[i] = number; } else { out[i] = b[at.z]; }
  }
}
