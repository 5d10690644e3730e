// attention_forward.wgsl for GPUs: a workgroup has a tile of rows and walks over the keys, a tile at a time.
// flops: 256 * MB * (items - first) / splits * s * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_tiled.inc.wgsl"

alias Out = f32; // dtype

@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;       // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read_write> o: array<vec4<Out>>;    // [B, H, L, Dv / 4]; of splits [splits, B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;    // [splits, B, H, L]: maximum, sum of exp(score - maximum)

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let item = params.first + wid.y * nwg.x + wid.x;
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let tile = tileOf(item / params.splits, TILE);
  let lx = index % LX;
  let ly = index / LX;
  let linesQ = linesOf(tile, index / DEPTH, params.qAt);
  var sums: Sums; // columns are rows of queries
  var most: array<vec4f, MB>;
  var total: array<vec4f, MB>;
  for (var m = 0u; m < MB; m++) {
    most[m] = vec4f(FLOOR);
    // A sink is a score without a value; one invocation of one split has it.
    if (params.sinksAt != NONE && split == 0u) {
      let r = 4u * ly + 32u * m;
      most[m] = max(vec4f(FLOOR), vec4f(sinkOf(tile, r), sinkOf(tile, r + 1u), sinkOf(tile, r + 2u), sinkOf(tile, r + 3u)));
      if (lx == 0u) { total[m] = exp(vec4f(sinkOf(tile, r), sinkOf(tile, r + 1u), sinkOf(tile, r + 2u), sinkOf(tile, r + 3u)) - most[m]); }
    }
  }
  let range = shareOf(keysOf(tile.batch, tile.low, tile.high, TILE), split);
  for (var j = range.x; j < range.y; j += TILE) {
    if (isHidden(tile, j, TILE)) { continue; }
    let whole = isWhole(tile, j);
    var x = dotsQK(linesQ, keyLines(tile.batch, tile.hkv, j + index / DEPTH, params.kAt), index);
    for (var m = 0u; m < MB; m++) {
      let r = 4u * ly + 32u * m;
      if (MODIFIED) {
        for (var i = 0u; i < 4u; i++) { x[m][i] = scoresOf(x[m][i], tile.batch, rowAt(tile, r + i), j + 4u * lx).x; }
      } else { x[m] *= params.scale; }
      if (!whole) {
        let bits = sight(tile, r, j + 4u * lx);
        x[m] = mat4x4f(shown(x[m][0], bits, 0u), shown(x[m][1], bits, 1u), shown(x[m][2], bits, 2u), shown(x[m][3], bits, 3u));
      }
      weights[(ly + 8u * m) * LX + lx] = vec4f(maxOf(x[m][0]), maxOf(x[m][1]), maxOf(x[m][2]), maxOf(x[m][3]));
    }
    workgroupBarrier(); // the maxima are complete, and all are done with the last tiles
    for (var m = 0u; m < MB; m++) {
      var now = most[m];
      for (var i = 0u; i < LX; i++) { now = max(now, weights[(ly + 8u * m) * LX + i]); }
      let shrink = exp(most[m] - now);
      most[m] = now;
      x[m] = mat4x4f(exp(x[m][0] - now.x), exp(x[m][1] - now.y), exp(x[m][2] - now.z), exp(x[m][3] - now.w));
      total[m] = total[m] * shrink + vec4f(sumOf(x[m][0]), sumOf(x[m][1]), sumOf(x[m][2]), sumOf(x[m][3]));
      if (MODIFIED) {
        let r = 4u * ly + 32u * m;
        for (var i = 0u; i < 4u; i++) { x[m][i] *= keeps(tile.batch, rowAt(tile, r + i), j + 4u * lx); }
      }
      for (var c = 0u; c < COLUMNS; c++) {
        let y = sums[m * COLUMNS + c];
        sums[m * COLUMNS + c] = mat4x4f(y[0] * shrink.x, y[1] * shrink.y, y[2] * shrink.z, y[3] * shrink.w);
      }
    }
    workgroupBarrier(); // all have read the maxima
    putWeights(x, lx, ly);
    for (var k0 = 0u; k0 < TILE; k0 += CHUNK) {
      if (k0 > 0u) { workgroupBarrier(); } // all are done with the last chunk
      for (var i = index; i < CHUNK * WIDTH; i += WG) {
        let d = i % WIDTH;
        var value = vec4f();
        if (d < params.dv4) { value = vec4f(v[keyLine(tile.batch, tile.hkv, j + k0 + i / WIDTH, params.vAt) + d]); }
        tiles[i] = value;
      }
      workgroupBarrier(); // the weights and the chunk are complete
      addProducts(&sums, k0, false, whole, lx, ly);
    }
  }
  workgroupBarrier(); // all are done with the weights
  for (var m = 0u; m < MB; m++) { weights[(ly + 8u * m) * LX + lx] = total[m]; }
  workgroupBarrier(); // the sums are complete
  for (var m = 0u; m < MB; m++) {
    var sum = weights[(ly + 8u * m) * LX];
    for (var i = 1u; i < LX; i++) { sum += weights[(ly + 8u * m) * LX + i]; }
    let r = 4u * ly + 32u * m;
    finishRow(&sums, m, 0u, tile, r, split, most[m].x, sum.x, lx);
    finishRow(&sums, m, 1u, tile, r + 1u, split, most[m].y, sum.y, lx);
    finishRow(&sums, m, 2u, tile, r + 2u, split, most[m].z, sum.z, lx);
    finishRow(&sums, m, 3u, tile, r + 3u, split, most[m].w, sum.w, lx);
  }
}

fn sinkOf(tile: Tile, r: u32) -> f32 { return bitcast<f32>(aux[params.sinksAt + min(rowAt(tile, r).x, params.h - 1u)]); }
fn shown(x: vec4f, bits: u32, i: u32) -> vec4f { return select(vec4f(MASKED), x, sees(bits, i)); }
fn maxOf(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn sumOf(x: vec4f) -> f32 { return (x.x + x.y) + (x.z + x.w); }

fn finishRow(sums: ptr<function, Sums>, m: u32, i: u32, tile: Tile, r: u32, split: u32, most: f32, sum: f32, lx: u32) {
  if (tile.row + r >= params.span) { return; }
  let row = rowAt(tile, r);
  let total = select(0.0, sum, row.y < tile.batch.queries);
  let at = rowIndex(tile.batch, row);
  var to = dot(params.oAt.xyz, vec3u(tile.batch.b, row));
  if (params.splits > 1u) { to = (split * params.rows + at) * params.dv4; }
  for (var c = 0u; c < COLUMNS; c++) {
    let d = c * LX + lx;
    if (d < params.dv4) { o[to + d] = vec4<Out>(select((*sums)[m * COLUMNS + c][i] / total, vec4f(), total == 0.0)); }
  }
  if (lx == 0u) { stats[split * params.rows + at] = vec2f(most, total); }
}
