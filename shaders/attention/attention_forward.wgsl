// O = softmax(scores) V with the maximum and the sum of each row found on the way (Milakov and Gimelshein, arXiv:1805.02867; Dao, Fu, Ermon,
// Rudra, Re: FlashAttention, arXiv:2205.14135, algorithm 1). An invocation has 4 MB rows of queries and walks over the keys, eight at a time, or
// over one of `splits` ranges of them, for attention_combine.wgsl to put together.
// flops: 32 * MB * (items - first) / splits * s * (d4 + dv4)
#include "lib/attention.inc.wgsl"
#include "lib/attention_registers.inc.wgsl"

alias Out = f32; // dtype
const DV4: u32 = 16; // tunable; Dv / 4

@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;       // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read_write> o: array<vec4<Out>>;    // [B, H, L, Dv / 4]; of splits [splits, B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;    // [splits, B, H, L]: maximum, sum of exp(score - maximum)

fn readV(i: vec4u) -> mat4x4f { return mat4x4f(vec4f(v[i.x]), vec4f(v[i.y]), vec4f(v[i.z]), vec4f(v[i.w])); }

fn scaled(x: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(x[0] * by.x, x[1] * by.y, x[2] * by.z, x[3] * by.w); }

var<private> sums: array<mat4x4f, MB * DV4>; // of the output, columns are rows of queries
var<private> most: array<f32, 8>;
var<private> total: array<f32, 8>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = params.first + linearIndex(wid, nwg, lid, WG);
  if (item >= params.items) { return; }
  let split = item % params.splits;
  let tile = tileOf(item / params.splits, ROWS);
  let batch = tile.batch;
  for (var r = 0u; r < ROWS; r++) {
    most[r] = FLOOR;
    // A sink is a score without a value; one of the splits has it.
    if (params.sinksAt != NONE && split == 0u) {
      let sink = bitcast<f32>(aux[params.sinksAt + min(rowAt(tile, r).x, params.h - 1u)]);
      most[r] = max(FLOOR, sink);
      total[r] = exp(sink - most[r]);
    }
  }
  let range = keysOf(batch, tile.low, tile.high, KEYS);
  let share = ((range.y - min(range.x, range.y) + KEYS - 1u) / KEYS + params.splits - 1u) / params.splits * KEYS;
  let qa = linesOf(tile, 0u, params.qAt);
  let qb = linesOf(tile, 4u, params.qAt);
  let end = min(range.y, range.x + (split + 1u) * share);
  for (var j = range.x + split * share; j < end; j += KEYS) {
    if (isHidden(tile, j, KEYS)) { continue; }
    let full = isFull(tile, j, KEYS);
    let dots = dotsQK(qa, qb, keyLines(batch, tile.hkv, j, params.kAt), keyLines(batch, tile.hkv, j + 4u, params.kAt));
    var x = rowsOf(dots);
    for (var i = 0u; i < 2u * ROWS; i++) {
      let row = rowAt(tile, i / 2u);
      let at = j + i % 2u * 4u;
      x[i] = scoresOf(x[i], batch, row, at).x;
      if (!full) { x[i] = select(vec4f(MASKED), x[i], seen(batch, row, at)); }
    }
    var shrink: array<f32, 8>;
    for (var r = 0u; r < ROWS; r++) {
      let top = max(x[2u * r], x[2u * r + 1u]);
      let m = max(most[r], max(max(top.x, top.y), max(top.z, top.w)));
      shrink[r] = exp(most[r] - m);
      most[r] = m;
      x[2u * r] = exp(x[2u * r] - m);
      x[2u * r + 1u] = exp(x[2u * r + 1u] - m);
      let e = x[2u * r] + x[2u * r + 1u];
      total[r] = total[r] * shrink[r] + ((e.x + e.y) + (e.z + e.w));
    }
    if (MODIFIED) { for (var i = 0u; i < 2u * ROWS; i++) { x[i] *= keeps(batch, rowAt(tile, i / 2u), j + i % 2u * 4u); } }
    let p = blockOf(x);
    let shrinkA = vec4f(shrink[0], shrink[1], shrink[2], shrink[3]);
    let shrinkB = vec4f(shrink[4], shrink[5], shrink[6], shrink[7]);
    var va = keyLines(batch, tile.hkv, j, params.vAt);
    var vb = keyLines(batch, tile.hkv, j + 4u, params.vAt);
    for (var d = 0u; d < DV4; d++) {
      let v0 = readV(va);
      let v1 = readV(vb);
      va += 1u;
      vb += 1u;
      if (!full && !areFinite(v0, v1)) {
        for (var r = 0u; r < ROWS; r++) {
          let i = r / 4u * DV4 + d;
          sums[i][r % 4u] = sums[i][r % 4u] * shrink[r] + weighted(v0, v1, x[2u * r], x[2u * r + 1u]);
        }
        continue;
      }
      sums[d] = scaled(sums[d], shrinkA) + v0 * p.aa + v1 * p.ab;
      if (MB > 1u) { sums[DV4 + d] = scaled(sums[DV4 + d], shrinkB) + v0 * p.ba + v1 * p.bb; }
    }
  }
  finish(tile, split);
}

fn finish(tile: Tile, split: u32) {
  for (var r = 0u; r < min(ROWS, params.span - tile.row); r++) {
    let row = rowAt(tile, r);
    let at = rowIndex(tile.batch, row);
    let sum = select(0.0, total[r], row.y < tile.batch.queries);
    let none = sum == 0.0;
    var to = dot(params.oAt.xyz, vec3u(tile.batch.b, row));
    if (params.splits > 1u) { to = (split * params.rows + at) * DV4; }
    for (var d = 0u; d < DV4; d++) { o[to + d] = vec4<Out>(select(sums[r / 4u * DV4 + d][r % 4u] / sum, vec4f(), none)); }
    stats[split * params.rows + at] = vec2f(most[r], sum);
  }
}
