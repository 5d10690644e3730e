// attention_backward_kv.wgsl for GPUs: a workgroup has a tile of 32 keys and walks over the rows, 32 at a time.
// flops: 512 * (items - first) * l * h / hkv * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiled.inc.wgsl"
#include "lib/attention_gradient_tiled.inc.wgsl"

const D32: u32 = 2;  // tunable; D / 32, rounded up
const DV32: u32 = 2; // tunable; Dv / 32, rounded up

@group(0) @binding(8) var<storage, read_write> dkv: array<vec4<Scalar>>; // dK as k, then from params.dvAt on dV as v

var<workgroup> weights: array<vec4f, 256>; // P [32 rows][32 keys]
var<workgroup> slopes: array<vec4f, 256>;  // dS, likewise

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let blocks = (params.s + TILE - 1u) / TILE;
  let j = item % blocks * TILE;
  let hkv = item / blocks % params.hkv;
  let batch = batchAt(item / blocks / params.hkv);
  let lx = index % 8u;
  let ly = index / 8u;
  var sumsK: array<mat4x4f, D32>; // columns are keys
  var sumsV: array<mat4x4f, DV32>;
  var span = vec2u(0u, params.span);
  if (params.span <= params.l) {
    let begin = u32(clamp(i32(j) - batch.offset - params.right, 0, i32(params.l)));
    let end = u32(clamp(i32(j + TILE) - batch.offset + params.left, 0, i32(batch.queries)));
    span = vec2u(begin / TILE * TILE, end);
  }
  for (var turn = 0u; turn < params.loops; turn++) {
    for (var row = span.x; row < span.y; row += TILE) {
      let tile = tileAt(batch, hkv, turn, row, TILE);
      if (isEmpty(tile, j, TILE)) { continue; }
      let full = isFull(tile, j, TILE);
      let g = gradientOf(tile, j, full, index);
      for (var r = 0u; r < 4u; r++) {
        weights[(4u * ly + r) * 8u + lx] = g.p[r];
        slopes[(4u * ly + r) * 8u + lx] = g.ds[r];
      }
      for (var c = 0u; c < max(D32, DV32); c++) {
        workgroupBarrier(); // the weights are complete, and all are done with the last tiles
        for (var i = index; i < 256u; i += WG) {
          let d = c * 8u + i % 8u;
          var a = vec4f();
          var b = vec4f();
          if (d < params.dv4) { a = vec4f(dO[lineOf(tile, i / 8u, params.oAt) + d]); }
          if (d < params.d4) { b = vec4f(q[lineOf(tile, i / 8u, params.qAt) + d]); }
          tileA[i] = a;
          tileB[i] = b;
        }
        workgroupBarrier(); // the tiles are complete
        for (var i = 0u; i < 8u; i++) {
          let at = 32u * i + ly;
          if (c < DV32) {
            let p = transpose(mat4x4f(weights[at], weights[at + 8u], weights[at + 16u], weights[at + 24u]));
            let x = fourOfA(4u * i, lx);
            if (full) { sumsV[c] = fused(sumsV[c], x, p); } else { sumsV[c] = weighted(sumsV[c], x, p); }
          }
          if (c < D32) {
            let ds = transpose(mat4x4f(slopes[at], slopes[at + 8u], slopes[at + 16u], slopes[at + 24u]));
            let b = 32u * i + lx;
            let x = mat4x4f(tileB[b], tileB[b + 8u], tileB[b + 16u], tileB[b + 24u]);
            if (full) { sumsK[c] = fused(sumsK[c], x, ds); } else { sumsK[c] = weighted(sumsK[c], x, ds); }
          }
        }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (j + 4u * ly + r >= params.s) { break; }
    let at = vec3u(batch.b, hkv, j + 4u * ly + r);
    let toK = dot(params.kAt.xyz, at);
    let toV = params.dvAt + dot(params.vAt.xyz, at);
    for (var c = 0u; c < D32; c++) { if (c * 8u + lx < params.d4) { dkv[toK + c * 8u + lx] = vec4<Scalar>(sumsK[c][r]); } }
    for (var c = 0u; c < DV32; c++) { if (c * 8u + lx < params.dv4) { dkv[toV + c * 8u + lx] = vec4<Scalar>(sumsV[c][r]); } }
  }
}
