// attention_backward_q.wgsl for GPUs: a workgroup has a tile of rows and walks over the keys, a tile at a time.
// flops: 256 * MB * (items - first) / splits * s * (2 * d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiles.inc.wgsl"
#include "lib/attention_gradient_products.inc.wgsl"
#include "lib/attention_gradient_tiled.inc.wgsl"

alias Out = f32; // dtype

@group(0) @binding(8) var<storage, read_write> dq: array<vec4<Out>>; // as q; of splits so many

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let tile = tileOf(item / params.splits, TILE);
  let lx = index % LX;
  let ly = index / LX;
  let linesQ = linesOf(tile, index / DEPTH, STEP, params.qAt);
  let linesO = linesOf(tile, index / DEPTH, STEP, params.oAt);
  var sums: Sums; // columns are rows of queries
  let range = shareOf(keysOf(tile.batch, tile.low, tile.high, TILE), split);
  for (var j = range.x; j < range.y; j += TILE) {
    if (isHidden(tile, j, TILE)) { continue; }
    let whole = isWhole(tile, j);
    let scores = dotsQK(linesQ, keyLines(tile.batch, tile.hkv, j + index / DEPTH, STEP, params.kAt), index);
    let dp = dotsOV(linesO, keyLines(tile.batch, tile.hkv, j + index / DEPTH, STEP, params.vAt), index);
    putWeights(gradientOf(tile, j + 4u * lx, whole, scores, dp, ly).ds, lx, ly);
    for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
      workgroupBarrier(); // all are done with the last tiles
      for (var i = index; i < CHUNK * WIDTH; i += WG) {
        let d = i % WIDTH;
        var key = vec4f();
        if (d < params.d4) { key = vec4f(k[keyLine(tile.batch, tile.hkv, j + k0 + i / WIDTH, params.kAt) + d]); }
        tiles[i] = key;
      }
      workgroupBarrier(); // the weights and the chunk are complete
      addProducts(&sums, k0, false, whole, lx, ly);
    }
  }
  for (var m = 0u; m < MB; m++) {
    let r = 4u * ly + 32u * m;
    finishRow(&sums, m, 0u, tile, r, split, lx);
    finishRow(&sums, m, 1u, tile, r + 1u, split, lx);
    finishRow(&sums, m, 2u, tile, r + 2u, split, lx);
    finishRow(&sums, m, 3u, tile, r + 3u, split, lx);
  }
}

fn finishRow(sums: ptr<function, Sums>, m: u32, i: u32, tile: Tile, r: u32, split: u32, lx: u32) {
  if (tile.row + r >= params.span) { return; }
  let to = split * params.part + dot(params.qAt.xyz, vec3u(tile.batch.b, rowAt(tile, r)));
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * LX + lx;
    if (d < params.d4) { dq[to + d] = vec4<Out>((*sums)[m * COLUMNS + c][i]); }
  }
}
