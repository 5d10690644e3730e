// dV = P^T dO and dK = dS^T Q, with P and dS computed again from Q, K and the saved statistics (Dao et al.: FlashAttention,
// arXiv:2205.14135, algorithm 4). An invocation has eight keys and walks over the rows of all queries that share them, heads included.
// flops: 128 * (items - first) * l * h / hkv * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_registers.inc.wgsl"
#include "lib/attention_gradient.inc.wgsl"

const D4: u32 = 16;  // tunable; D / 4
const DV4: u32 = 16; // tunable; Dv / 4

@group(0) @binding(8) var<storage, read_write> dkv: array<vec4<Scalar>>; // dK as k, then from params.dvAt on dV as v

var<private> sumsK: array<mat4x4f, 2u * D4>; // columns are keys
var<private> sumsV: array<mat4x4f, 2u * DV4>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = params.first + linearIndex(wid, nwg, lid, WG);
  if (item >= params.items) { return; }
  let blocks = (params.s + KEYS - 1u) / KEYS;
  let j = item % blocks * KEYS;
  let hkv = item / blocks % params.hkv;
  let batch = batchAt(item / blocks / params.hkv);
  var rows = vec2u(0u, params.span);
  if (params.span <= params.l) {
    let begin = u32(clamp(i32(j) - batch.offset - params.right, 0, i32(params.l)));
    let end = u32(clamp(i32(j + KEYS) - batch.offset + params.left, 0, i32(batch.queries)));
    rows = vec2u(begin / ROWS * ROWS, end);
  }
  for (var turn = 0u; turn < params.loops; turn++) {
    for (var row = rows.x; row < rows.y; row += ROWS) {
      let tile = tileAt(batch, hkv, turn, row, ROWS);
      if (isEmpty(tile, j, KEYS)) { continue; }
      addRows(tile, j);
    }
  }
  for (var c = 0u; c < min(KEYS, params.s - j); c++) {
    let at = vec3u(batch.b, hkv, j + c);
    let toK = dot(params.kAt.xyz, at);
    for (var d = 0u; d < D4; d++) { dkv[toK + d] = vec4<Scalar>(sumsK[c / 4u * D4 + d][c % 4u]); }
    let toV = params.dvAt + dot(params.vAt.xyz, at);
    for (var d = 0u; d < DV4; d++) { dkv[toV + d] = vec4<Scalar>(sumsV[c / 4u * DV4 + d][c % 4u]); }
  }
}

fn addRows(tile: Tile, j: u32) {
  let full = isFull(tile, j, KEYS);
  let g = gradientOf(tile, j, full, false);
  let p = byKeys(g.p);
  var oa = linesOf(tile, 0u, params.oAt);
  var ob = linesOf(tile, 4u, params.oAt);
  for (var d = 0u; d < DV4; d++) {
    let o0 = readDO(oa);
    var o1 = mat4x4f();
    if (MB > 1u) { o1 = readDO(ob); }
    oa += 1u;
    ob += 1u;
    if (!full && !areFinite(o0, o1)) {
      for (var c = 0u; c < KEYS; c++) { sumsV[c / 4u * DV4 + d][c % 4u] += weighted(o0, o1, weightsOf(g.p, c, 0u), weightsOf(g.p, c, 4u)); }
      continue;
    }
    if (MB == 1u) {
      sumsV[d] = sumsV[d] + o0 * p.aa;
      sumsV[DV4 + d] = sumsV[DV4 + d] + o0 * p.ab;
      continue;
    }
    sumsV[d] = sumsV[d] + o0 * p.aa + o1 * p.ba;
    sumsV[DV4 + d] = sumsV[DV4 + d] + o0 * p.ab + o1 * p.bb;
  }
  let ds = byKeys(g.ds);
  var qa = linesOf(tile, 0u, params.qAt);
  var qb = linesOf(tile, 4u, params.qAt);
  for (var d = 0u; d < D4; d++) {
    let q0 = readQ(qa);
    var q1 = mat4x4f();
    if (MB > 1u) { q1 = readQ(qb); }
    qa += 1u;
    qb += 1u;
    if (!full && !areFinite(q0, q1)) {
      for (var c = 0u; c < KEYS; c++) { sumsK[c / 4u * D4 + d][c % 4u] += weighted(q0, q1, weightsOf(g.ds, c, 0u), weightsOf(g.ds, c, 4u)); }
      continue;
    }
    if (MB == 1u) {
      sumsK[d] = sumsK[d] + q0 * ds.aa;
      sumsK[D4 + d] = sumsK[D4 + d] + q0 * ds.ab;
      continue;
    }
    sumsK[d] = sumsK[d] + q0 * ds.aa + q1 * ds.ba;
    sumsK[D4 + d] = sumsK[D4 + d] + q0 * ds.ab + q1 * ds.bb;
  }
}

// A block whose columns are keys, and the weights of rows r to r + 3 for key c.
fn byKeys(rows: array<vec4f, 16>) -> Block {
  let x = blockOf(rows);
  return Block(transpose(x.aa), transpose(x.ab), transpose(x.ba), transpose(x.bb));
}
fn weightsOf(rows: array<vec4f, 16>, c: u32, r: u32) -> vec4f {
  var x = rows;
  let i = 2u * r + c / 4u;
  return vec4f(x[i][c % 4u], x[i + 2u][c % 4u], x[i + 4u][c % 4u], x[i + 6u][c % 4u]);
}
