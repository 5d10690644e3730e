// attention_forward.wgsl for GPUs: a workgroup has a tile of 32 rows and walks over the keys, 32 at a time.
// flops: 256 * (items - first) / splits * s * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiled.inc.wgsl"

alias Out = f32; // dtype
const DV32: u32 = 2; // tunable; Dv / 32, rounded up

@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;       // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read_write> o: array<vec4<Out>>;    // [B, H, L, Dv / 4]; of splits [splits, B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;    // [splits, B, H, L]: maximum, sum of exp(score - maximum)

var<workgroup> weights: array<vec4f, 256>; // [32 rows][32 keys]
var<workgroup> parts: array<f32, 256>;     // [32 rows][8], of maxima or sums

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let tile = tileOf(item / params.splits, TILE);
  let lx = index % 8u;
  let ly = index / 8u;
  var sums: array<mat4x4f, DV32>; // columns are rows of queries
  var most = vec4f(FLOOR);
  var total = vec4f();
  // A sink is a score without a value; one invocation of one split has it.
  if (params.sinksAt != NONE && split == 0u) {
    for (var r = 0u; r < 4u; r++) {
      let sink = bitcast<f32>(aux[params.sinksAt + min(rowAt(tile, 4u * ly + r).x, params.h - 1u)]);
      most[r] = max(FLOOR, sink);
      total[r] = select(0.0, exp(sink - most[r]), lx == 0u);
    }
  }
  let range = keysOf(tile.batch, tile.low, tile.high, TILE);
  let share = ((range.y - min(range.x, range.y) + TILE - 1u) / TILE + params.splits - 1u) / params.splits * TILE;
  let end = min(range.y, range.x + (split + 1u) * share);
  for (var j = range.x + split * share; j < end; j += TILE) {
    if (isHidden(tile, j)) { continue; }
    let full = isFull(tile, j, TILE);
    var x = dotsQK(tile, j, index);
    for (var r = 0u; r < 4u; r++) {
      let row = rowAt(tile, 4u * ly + r);
      x[r] = scoresOf(x[r], tile.batch, row, j + 4u * lx).x;
      if (!full) { x[r] = select(vec4f(MASKED), x[r], seen(tile.batch, row, j + 4u * lx)); }
      parts[(4u * ly + r) * 8u + lx] = max(max(x[r].x, x[r].y), max(x[r].z, x[r].w));
    }
    workgroupBarrier(); // the maxima are complete
    var shrink: vec4f;
    for (var r = 0u; r < 4u; r++) {
      var m = most[r];
      for (var i = 0u; i < 8u; i++) { m = max(m, parts[(4u * ly + r) * 8u + i]); }
      shrink[r] = exp(most[r] - m);
      most[r] = m;
      let e = exp(x[r] - m);
      total[r] = total[r] * shrink[r] + ((e.x + e.y) + (e.z + e.w));
      weights[(4u * ly + r) * 8u + lx] = e * keeps(tile.batch, rowAt(tile, 4u * ly + r), j + 4u * lx);
    }
    for (var c = 0u; c < DV32; c++) {
      workgroupBarrier(); // the weights are complete, and all are done with the last tile
      for (var i = index; i < 256u; i += WG) {
        let d = c * 8u + i % 8u;
        var value = vec4f();
        if (d < params.dv4) { value = vec4f(v[keyLine(tile.batch, tile.hkv, j + i / 8u, params.vAt) + d]); }
        tileA[i] = value;
      }
      workgroupBarrier(); // the tile is complete
      sums[c] = mat4x4f(sums[c][0] * shrink.x, sums[c][1] * shrink.y, sums[c][2] * shrink.z, sums[c][3] * shrink.w);
      for (var i = 0u; i < 8u; i++) {
        let at = 32u * ly + i;
        let w = mat4x4f(weights[at], weights[at + 8u], weights[at + 16u], weights[at + 24u]);
        let values = fourOfA(4u * i, lx);
        if (full) { sums[c] = fused(sums[c], values, w); } else { sums[c] = weighted(sums[c], values, w); }
      }
    }
  }
  workgroupBarrier(); // all are done with the last maxima
  for (var r = 0u; r < 4u; r++) { parts[(4u * ly + r) * 8u + lx] = total[r]; }
  workgroupBarrier(); // the sums are complete
  for (var r = 0u; r < 4u; r++) {
    if (tile.row + 4u * ly + r >= params.span) { break; }
    let row = rowAt(tile, 4u * ly + r);
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += parts[(4u * ly + r) * 8u + i]; }
    sum = select(0.0, sum, row.y < tile.batch.queries);
    let none = sum == 0.0;
    let at = rowIndex(tile.batch, row);
    var to = dot(params.oAt.xyz, vec3u(tile.batch.b, row));
    if (params.splits > 1u) { to = (split * params.rows + at) * params.dv4; }
    for (var c = 0u; c < DV32; c++) {
      let d = c * 8u + lx;
      if (d < params.dv4) { o[to + d] = vec4<Out>(select(sums[c][r] / sum, vec4f(), none)); }
    }
    if (lx == 0u) { stats[split * params.rows + at] = vec2f(most[r], sum); }
  }
}
