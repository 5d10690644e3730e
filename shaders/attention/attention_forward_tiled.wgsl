// attention_forward.wgsl for GPUs: a workgroup has a tile of rows and walks over the keys, a tile at a time.
// flops: 256 * (items - first) / splits * s * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiles.inc.wgsl"
#include "lib/attention_forward_products.inc.wgsl"

alias Out = f32; // dtype

@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;       // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read_write> o: array<vec4<Out>>;    // [B, H, L, Dv / 4]; of splits [splits, B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;    // [splits, B, H, L]: maximum, sum of exp(score - maximum)

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let tile = tileOf(item / params.splits, TILE);
  // Neighbours are squares of 2 x 2: with eight of them reading two or four addresses of an operand, GPUs read it twice as fast.
  let lane = vec2u(index / 4u % 4u * 2u + index % 2u, index / 16u * 2u + index / 2u % 2u);
  let r = 4u * lane.y;
  let linesQ = linesOf(tile, index / 8u * 4u, 1u, params.qAt);
  var sums: Sums;
  var most = vec4f(FLOOR);
  var total = vec4f();
  // A sink is a score without a value; one invocation of one split has it.
  if (params.sinksAt != NONE && split == 0u) {
    let sinks = vec4f(sinkOf(tile, r), sinkOf(tile, r + 1u), sinkOf(tile, r + 2u), sinkOf(tile, r + 3u));
    most = max(most, sinks);
    if (lane.x == 0u) { total = exp(sinks - most); }
  }
  let range = shareOf(keysOf(tile.batch, tile.low, tile.high, TILE), split);
  for (var j = range.x; j < range.y; j += TILE) {
    if (isHidden(tile, j, TILE)) { continue; }
    let whole = isWhole(tile, j);
    var x = dotsQK(linesQ, keyLines(tile.batch, tile.hkv, j + index / 8u * 4u, 1u, params.kAt), index, lane);
    var chunk = bringV(tile, j, index); // on its way while the scores are worked on
    let keys = j + 4u * lane.x;
    if (MODIFIED) {
      for (var i = 0u; i < 4u; i++) { x[i] = scoresOf(x[i], tile.batch, rowAt(tile, r + i), keys).x; }
    } else { x *= params.scale; }
    if (!whole) {
      let bits = sight(tile, r, keys);
      x = mat4x4f(shown(x[0], bits, 0u), shown(x[1], bits, 1u), shown(x[2], bits, 2u), shown(x[3], bits, 3u));
    }
    weights[lane.y][lane.x] = vec4f(maxOf(x[0]), maxOf(x[1]), maxOf(x[2]), maxOf(x[3]));
    workgroupBarrier(); // the maxima are complete, and all are done with the last tiles
    var now = most;
    for (var i = 0u; i < 8u; i++) { now = max(now, weights[lane.y][i]); }
    let shrink = exp(most - now);
    most = now;
    x = mat4x4f(exp(x[0] - now.x), exp(x[1] - now.y), exp(x[2] - now.z), exp(x[3] - now.w));
    total = total * shrink + vec4f(sumOf(x[0]), sumOf(x[1]), sumOf(x[2]), sumOf(x[3]));
    if (MODIFIED) {
      for (var i = 0u; i < 4u; i++) { x[i] *= keeps(tile.batch, rowAt(tile, r + i), keys); }
    }
    for (var c = 0u; c < COLUMNS; c++) {
      let y = sums[c];
      sums[c] = mat4x4f(y[0] * shrink.x, y[1] * shrink.y, y[2] * shrink.z, y[3] * shrink.w);
    }
    workgroupBarrier(); // all have read the maxima
    putWeights(x, lane);
    for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
      if (k0 > 0u) { workgroupBarrier(); } // all are done with the last chunk
      putChunk(chunk, index);
      workgroupBarrier(); // the weights and the chunk are complete
      if (k0 + CHUNK < TILE) { chunk = bringV(tile, j + k0 + CHUNK, index); }
      addProducts(&sums, k0, whole, lane);
    }
  }
  workgroupBarrier(); // all are done with the weights
  weights[lane.y][lane.x] = total;
  workgroupBarrier(); // the sums are complete
  var sum = vec4f();
  for (var i = 0u; i < 8u; i++) { sum += weights[lane.y][i]; }
  finishRow(&sums, 0u, tile, r, split, most.x, sum.x, lane.x);
  finishRow(&sums, 1u, tile, r + 1u, split, most.y, sum.y, lane.x);
  finishRow(&sums, 2u, tile, r + 2u, split, most.z, sum.z, lane.x);
  finishRow(&sums, 3u, tile, r + 3u, split, most.w, sum.w, lane.x);
}

// What an invocation brings of the chunk of V that begins at key j: vec4s index, index + 64 and so on.
fn bringV(tile: Tile, j: u32, index: u32) -> Chunk {
  var x = Chunk();
  for (var t = 0u; t < BROUGHT; t++) {
    let i = index + 64u * t;
    let d = i % WIDTH;
    if (d < params.dv4) { x[t] = vec4f(v[keyLine(tile.batch, tile.hkv, j + i / WIDTH, params.vAt) + d]); }
  }
  return x;
}
fn sinkOf(tile: Tile, r: u32) -> f32 { return bitcast<f32>(aux[params.sinksAt + min(rowAt(tile, r).x, params.h - 1u)]); }
fn shown(x: vec4f, bits: u32, i: u32) -> vec4f { return select(vec4f(MASKED), x, sees(bits, i)); }
fn maxOf(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn sumOf(x: vec4f) -> f32 { return (x.x + x.y) + (x.z + x.w); }

fn finishRow(sums: ptr<function, Sums>, i: u32, tile: Tile, r: u32, split: u32, most: f32, sum: f32, lx: u32) {
  if (tile.row + r >= params.span) { return; }
  let row = rowAt(tile, r);
  let total = select(0.0, sum, row.y < tile.batch.queries);
  let at = rowIndex(tile.batch, row);
  var to = dot(params.oAt.xyz, vec3u(tile.batch.b, row));
  if (params.splits > 1u) { to = (split * params.rows + at) * params.dv4; }
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * 8u + lx;
    if (d < params.dv4) { o[to + d] = vec4<Out>(select((*sums)[c][i] / total, vec4f(), total == 0.0)); }
  }
  if (lx == 0u) { stats[split * params.rows + at] = vec2f(most, total); }
}
