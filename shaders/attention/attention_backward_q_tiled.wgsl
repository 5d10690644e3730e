// attention_backward_q.wgsl for GPUs: a workgroup has a tile of 32 rows and walks over the keys, 32 at a time.
// flops: 256 * (items - first) * s * (2 * d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiled.inc.wgsl"
#include "lib/attention_gradient_tiled.inc.wgsl"

const D32: u32 = 2; // tunable; D / 32, rounded up

@group(0) @binding(8) var<storage, read_write> dq: array<vec4<Scalar>>; // as q

var<workgroup> weights: array<vec4f, 256>; // dS [32 rows][32 keys]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let tile = tileOf(item, TILE);
  let lx = index % 8u;
  let ly = index / 8u;
  var sums: array<mat4x4f, D32>; // columns are rows of queries
  let range = keysOf(tile.batch, tile.low, tile.high, TILE);
  for (var j = range.x; j < range.y; j += TILE) {
    if (isHidden(tile, j)) { continue; }
    let full = isFull(tile, j, TILE);
    let ds = gradientOf(tile, j, full, index).ds;
    for (var r = 0u; r < 4u; r++) { weights[(4u * ly + r) * 8u + lx] = ds[r]; }
    for (var c = 0u; c < D32; c++) {
      workgroupBarrier(); // the weights are complete, and all are done with the last tile
      for (var i = index; i < 256u; i += WG) {
        let d = c * 8u + i % 8u;
        var key = vec4f();
        if (d < params.d4) { key = vec4f(k[keyLine(tile.batch, tile.hkv, j + i / 8u, params.kAt) + d]); }
        tileA[i] = key;
      }
      workgroupBarrier(); // the tile is complete
      for (var i = 0u; i < 8u; i++) {
        let at = 32u * ly + i;
        let w = mat4x4f(weights[at], weights[at + 8u], weights[at + 16u], weights[at + 24u]);
        let keys = fourOfA(4u * i, lx);
        if (full) { sums[c] = fused(sums[c], keys, w); } else { sums[c] = weighted(sums[c], keys, w); }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (tile.row + 4u * ly + r >= params.span) { break; }
    let to = dot(params.qAt.xyz, vec3u(tile.batch.b, rowAt(tile, 4u * ly + r)));
    for (var c = 0u; c < D32; c++) {
      let d = c * 8u + lx;
      if (d < params.d4) { dq[to + d] = vec4<Scalar>(sums[c][r]); }
    }
  }
}
