// y[i] = scale * x[at the same place, without the reduced axes]: the gradient of a sum or a mean. Four elements an invocation.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override RANK: u32 = 8;

// The sizes of y's axes, the last one first, and their strides in x, 0 where x is repeated; RANK of them, at least one, are in use.
struct Params { sizes: array<vec4u, 2>, strides: array<vec4u, 2>, size: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size], in fours

fn element(i: u32) -> f32 {
  var rest = i;
  var at = 0u;
  for (var k = 0u; k + 1u < RANK; k++) {
    let n = params.sizes[k / 4u][k % 4u];
    let q = rest / n;
    at += (rest - q * n) * params.strides[k / 4u][k % 4u];
    rest = q;
  }
  at += rest * params.strides[(RANK - 1u) / 4u][(RANK - 1u) % 4u];
  return f32(x[at]) * params.scale;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, 4u * i);
  if (left == 0u) { return; }
  var v = vec4f(element(4u * i));
  for (var k = 1u; k < min(left, 4u); k++) { v[k] = element(4u * i + k); }
  let r = vec4<Scalar>(v);
  if (left >= 4u) { y[i] = r; } else { for (var k = 0u; k < left; k++) { y[i][k] = r[k]; } }
}
