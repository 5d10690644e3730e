// C = f(A B + bias) for any sizes and strides: rows that are no multiple of four numbers cannot be read by vec4.
// Each invocation keeps a 4 x 4 block of C in registers; its four columns lie WX apart, so that neighbours read neighbours.
#include "lib/math.inc.wgsl"
#include "lib/activation.inc.wgsl"

alias Scalar = f32; // dtype
override WX: u32 = 16; // invocations along N
override WY: u32 = 4;  // and along M
override BIAS: bool = false;
override SAVE: bool = false; // whether A B + bias is stored as well, at params.saveAt

struct Params {
  m: u32, n: u32, k: u32,
  tilesM: u32, tilesN: u32, batch: u32,
  aM: u32, aK: u32, bK: u32, bN: u32, biasM: u32, biasN: u32, // strides in elements
  saveAt: u32, rank: u32,
  dims: array<vec4u, 6>, // of the batch, outermost first: size, and strides of A, B and bias
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Scalar>;       // [batch..., M, K] by its strides
@group(0) @binding(2) var<storage, read> b: array<Scalar>;       // [batch..., K, N] by its strides
@group(0) @binding(3) var<storage, read> bias: array<Scalar>;    // broadcast to C by its strides
@group(0) @binding(4) var<storage, read_write> c: array<Scalar>; // [batch, M, N]

// Offsets of A, B and bias for one product of the batch.
fn offsets(batch: u32) -> vec3u {
  var at = vec3u(0u);
  var rest = batch;
  for (var d = params.rank; d > 0u; d--) {
    let dim = params.dims[d - 1u];
    at += (rest % dim.x) * dim.yzw;
    rest /= dim.x;
  }
  return at;
}

@compute @workgroup_size(WX, WY)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let tile = wid.y * nwg.x + wid.x;
  let batch = tile / (params.tilesN * params.tilesM);
  if (batch >= params.batch) { return; }
  let m0 = ((tile / params.tilesN) % params.tilesM) * (WY * 4u) + lid.y * 4u;
  let n0 = (tile % params.tilesN) * (WX * 4u) + lid.x;
  if (m0 >= params.m || n0 >= params.n) { return; }
  let at = offsets(batch);
  // Rows and columns past the end repeat the last one and are not written.
  let rows = at.x + min(m0 + vec4u(0u, 1u, 2u, 3u), vec4u(params.m - 1u)) * params.aM;
  let cols = at.y + min(n0 + vec4u(0u, 1u, 2u, 3u) * WX, vec4u(params.n - 1u)) * params.bN;
  var sum: array<vec4f, 4>;
  for (var k = 0u; k < params.k; k++) {
    let ai = rows + k * params.aK;
    let bi = cols + k * params.bK;
    let v = vec4f(f32(b[bi.x]), f32(b[bi.y]), f32(b[bi.z]), f32(b[bi.w]));
    sum[0] += f32(a[ai.x]) * v;
    sum[1] += f32(a[ai.y]) * v;
    sum[2] += f32(a[ai.z]) * v;
    sum[3] += f32(a[ai.w]) * v;
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let m = m0 + i;
      let n = n0 + j * WX;
      if (m >= params.m || n >= params.n) { continue; }
      var v = sum[i][j];
      if (BIAS) { v += f32(bias[at.z + m * params.biasM + n * params.biasN]); }
      let out = (batch * params.m + m) * params.n + n;
      if (SAVE) { c[params.saveAt + out] = Scalar(v); }
      c[out] = Scalar(activate(v));
    }
  }
}
