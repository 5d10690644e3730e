// What the kernels of additive attention share.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

struct Params { b: u32, l: u32, s: u32, a4: u32 } // a4: vec4s of a row
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<Scalar>>; // [B, L, A / 4]
@group(0) @binding(2) var<storage, read> k: array<vec4<Scalar>>; // [B, S, A / 4]
@group(0) @binding(3) var<storage, read> v: array<vec4<Scalar>>; // [A / 4]

// tanh(q + k) of row `i` of q and row `j` of k, at vec4 d
fn tanhSum(i: u32, j: u32, d: u32) -> vec4f {
  let x = vec4f(q[i * params.a4 + d]) + vec4f(k[j * params.a4 + d]);
  return vec4f(tanhExact(x.x), tanhExact(x.y), tanhExact(x.z), tanhExact(x.w));
}
