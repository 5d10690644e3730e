// out = cond ? a : b, element-wise, with NumPy's broadcasting among the three, four elements an invocation, for any type of number.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // these two as in lib/broadcast.inc.wgsl
override NUMBER: u32 = 0;
override FLOAT: bool = true;

struct Params {
  size: u32, value: f32, bits: u32,
  shape: array<vec4u, 2>, condStrides: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2>, // innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cond: array<u32>; // bool, four to a word
@group(0) @binding(2) var<storage, read> a: array<vec4<Scalar>>;
@group(0) @binding(3) var<storage, read> b: array<vec4<Scalar>>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<Scalar>>; // [size]

struct Walk { rest: u32, at: vec3u }

fn inward(w: Walk, n: u32, condStride: u32, aStride: u32, bStride: u32) -> Walk {
  let outer = w.rest / n;
  return Walk(outer, w.at + (w.rest - outer * n) * vec3u(condStride, aStride, bStride));
}

// Where element i lies in cond, a and b; as in lib/broadcast.inc.wgsl, for three.
fn operandsOf(i: u32) -> vec3u {
  var w = Walk(i, vec3u(0, 0, 0));
  if (RANK > 1) { w = inward(w, params.shape[0].x, params.condStrides[0].x, params.aStrides[0].x, params.bStrides[0].x); }
  if (RANK > 2) { w = inward(w, params.shape[0].y, params.condStrides[0].y, params.aStrides[0].y, params.bStrides[0].y); }
  if (RANK > 3) { w = inward(w, params.shape[0].z, params.condStrides[0].z, params.aStrides[0].z, params.bStrides[0].z); }
  if (RANK > 4) { w = inward(w, params.shape[0].w, params.condStrides[0].w, params.aStrides[0].w, params.bStrides[0].w); }
  if (RANK > 5) { w = inward(w, params.shape[1].x, params.condStrides[1].x, params.aStrides[1].x, params.bStrides[1].x); }
  if (RANK > 6) { w = inward(w, params.shape[1].y, params.condStrides[1].y, params.aStrides[1].y, params.bStrides[1].y); }
  if (RANK > 7) { w = inward(w, params.shape[1].z, params.condStrides[1].z, params.aStrides[1].z, params.bStrides[1].z); }
  let last = max(RANK, 1) - 1;
  return w.at + w.rest * vec3u(params.condStrides[last / 4][last % 4], params.aStrides[last / 4][last % 4], params.bStrides[last / 4][last % 4]);
}

fn condition(at: u32) -> u32 { return (cond[at / 4] >> (8 * (at % 4))) & 0xff; }

fn number() -> Scalar {
  if (FLOAT) { return Scalar(params.value); }
  return Scalar(params.bits);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  var c: vec4u;
  var u = vec4<Scalar>(number());
  var v = u;
  if (RANK == 0) {
    let bytes = cond[i];
    c = vec4u(bytes, bytes >> 8, bytes >> 16, bytes >> 24) & vec4u(0xff, 0xff, 0xff, 0xff);
    if (NUMBER != 1) { u = a[i]; }
    if (NUMBER != 2) { v = b[i]; }
  } else {
    let p = operandsOf(i * 4);
    let q = operandsOf(i * 4 + 1);
    let r = operandsOf(i * 4 + 2);
    let s = operandsOf(i * 4 + 3);
    c = vec4u(condition(p.x), condition(q.x), condition(r.x), condition(s.x));
    if (NUMBER != 1) { u = vec4<Scalar>(a[p.y / 4][p.y % 4], a[q.y / 4][q.y % 4], a[r.y / 4][r.y % 4], a[s.y / 4][s.y % 4]); }
    if (NUMBER != 2) { v = vec4<Scalar>(b[p.z / 4][p.z % 4], b[q.z / 4][q.z % 4], b[r.z / 4][r.z % 4], b[s.z / 4][s.z % 4]); }
  }
  let result = select(v, u, c != vec4u(0, 0, 0, 0));
  if (left >= 4) { out[i] = result; } else { for (var k = 0u; k < left; k++) { out[i][k] = result[k]; } }
}
