// What the attention kernels share: sizes and strides, which keys a query may see, and what becomes of a score; see
// docs/kernels/attention.md.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/philox.inc.wgsl"
#include "lib/attention_mods.inc.wgsl"
#include "lib/attention_visible.inc.wgsl"

alias Scalar = f32; // dtype
override MODIFIED: bool = false;  // whether scores are more than scale * q.k (softcap, ALiBi, a float mask, score_mod) or weights are dropped

// The score of what may not be seen; what lies below FLOOR counts as such.
const MASKED = -3.4e38;
const FLOOR = -3.3e38;
const NONE = 0xffffffffu;
const BOOL = 1u;
const HALF = 3u;

struct Params {
  h: u32, hkv: u32, l: u32, s: u32, d4: u32, dv4: u32, // d4, dv4: D / 4, Dv / 4
  loops: u32, span: u32, blocks: u32, splits: u32,     // see tileOf
  part: u32,                                           // vec4s of a split's gradient
  first: u32, items: u32, rows: u32,                   // of all tiles, those that this dispatch computes: [first, items); B H L
  qAt: vec4u, kAt: vec4u, vAt: vec4u, oAt: vec4u,      // strides in vec4s: batch, head, row
  maskAt: vec4u, maskKind: u32,                        // strides of batch, head, query and key, 0 where broadcast; 0 none, 1 bool, 2 f32, 3 f16
  scale: f32, softcap: f32, left: i32, right: i32,     // query i sees keys i + offset - left to i + offset + right
  lowerRight: u32,
  alibiAt: u32, sinksAt: u32, queriesAt: u32, keysAt: u32, // where they begin in aux, or NONE
  threshold: u32, kept: f32, dvAt: u32,                // dropout: p * 2^32, 1 / (1 - p); where dV begins behind dK, in vec4s
  keyLow: u32, keyHigh: u32, offset: vec4u,            // of the Philox stream: its key, and its first block with the word to begin at
  extras: vec4u,                                       // where two arrays of the caller's begin in aux, each with its size
  maskBlocks: vec4u,                                   // where the classes of a mask_mod's blocks begin in aux, or NONE; strides of batch, head, block of queries
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>; // by its strides: bool, or the bits of f32 or f16
@group(0) @binding(2) var<storage, read> aux: array<u32>;  // bits of slopes [H], sinks [H], lengths [B], [B] and what hooks read

// An entry of the batch: how many queries and keys it has, and which key is opposite query 0.
struct Batch { b: u32, queries: u32, keys: u32, offset: i32 }

fn batchAt(b: u32) -> Batch {
  var batch = Batch(b, params.l, params.s, 0);
  if (params.queriesAt != NONE) { batch.queries = min(aux[params.queriesAt + b], params.l); }
  if (params.keysAt != NONE) { batch.keys = min(aux[params.keysAt + b], params.s); }
  if (params.lowerRight != 0u) { batch.offset = i32(batch.keys) - i32(batch.queries); }
  return batch;
}

// Rows of queries that share their keys and values. The heads that share them are `loops` apart loops of L rows, or, where L is small,
// one of all their rows: row r is that of query r % L in head `head` + r / L.
struct Tile { batch: Batch, hkv: u32, head: u32, row: u32, low: i32, high: i32 } // low, high: the first and the last query

fn tileOf(index: u32, rows: u32) -> Tile {
  let loop0 = index / params.blocks;
  let kv = loop0 / params.loops;
  let batch = batchAt(kv / params.hkv);
  let hkv = kv % params.hkv;
  return tileAt(batch, hkv, loop0 % params.loops, index % params.blocks * rows, rows);
}
fn tileAt(batch: Batch, hkv: u32, turn: u32, row: u32, rows: u32) -> Tile {
  let head = hkv * (params.h / params.hkv) + turn;
  let last = min(params.l, batch.queries);
  if (params.span > params.l) { return Tile(batch, hkv, head, row, 0, i32(last) - 1); }
  return Tile(batch, hkv, head, row, i32(row), i32(min(row + rows, last)) - 1);
}

// Head and query of a row.
fn rowAt(tile: Tile, r: u32) -> vec2u {
  let row = tile.row + r;
  if (params.span <= params.l && row < params.l) { return vec2u(tile.head, row); }
  return vec2u(tile.head + row / params.l, row % params.l);
}
fn rowIndex(batch: Batch, row: vec2u) -> u32 { return (batch.b * params.h + row.x) * params.l + row.y; }

fn maskValue(i: u32) -> f32 {
  if (params.maskKind == HALF) { return unpack2x16float(mask[i / 2u])[i % 2u]; }
  return bitcast<f32>(mask[i]);
}
// A score and its derivatives by q.k and by the float mask, for keys j to j + 3.
struct Scores { x: vec4f, byDots: vec4f, byMask: vec4f }

// The scores of the query of `row` with keys j to j + 3 out of their dot products. Loops over the four rather than vectors where a function
// is long: compilers write it out each time.
fn scoresOf(dots: vec4f, batch: Batch, row: vec2u, j: u32) -> Scores {
  var s = Scores(dots * params.scale, vec4f(params.scale), vec4f(1.0));
  if (!MODIFIED) { return s; }
  if (params.softcap > 0.0) {
    for (var c = 0u; c < 4u; c++) {
      let t = tanhExact(s.x[c] / params.softcap);
      s.x[c] = params.softcap * t;
      s.byDots[c] *= 1.0 - t * t;
    }
  }
  if (params.alibiAt != NONE) {
    let away = vec4i(i32(row.y) + batch.offset - i32(j)) - vec4i(0, 1, 2, 3);
    s.x -= bitcast<f32>(aux[params.alibiAt + row.x]) * vec4f(abs(away));
  }
  for (var c = 0u; c < 4u; c++) {
    if (params.maskKind > BOOL) { s.x[c] += maskValue(dot(params.maskAt, vec4u(batch.b, row, j + c))); }
    if (SCORE_MOD) {
      s.byMask[c] = score_mod_grad(s.x[c], batch.b, row.x, row.y, j + c);
      s.x[c] = score_mod(s.x[c], batch.b, row.x, row.y, j + c);
    }
  }
  s.byDots *= s.byMask;
  s.x = select(s.x, vec4f(MASKED), s.x < vec4f(MASKED)); // -inf
  return s;
}

// What dropout multiplies the weights of keys j to j + 3 with: 0 or 1 / (1 - p). Element e of the weights [B, H, L, S] takes word e of the
// stream, so that the mask is that of dropout applied to the weights.
fn keeps(batch: Batch, row: vec2u, j: u32) -> vec4f {
  if (!MODIFIED || params.threshold == 0u) { return vec4f(1.0); }
  let element = mulWide(rowIndex(batch, row), params.s);
  let low = element.y + j;
  let begin = low + params.offset.z;
  let high = element.x + select(0u, 1u, j > low) + select(0u, 1u, low > begin);
  let quad = high * 0x40000000u + begin / 4u;
  let first = vec2u(params.offset.x, params.offset.y + high / 4u);
  let lane = begin % 4u;
  var words = array<vec4u, 2>();
  for (var i = 0u; i < select(2u, 1u, lane == 0u); i++) { words[i] = philoxBlock(first, quad + i, 0u, vec2u(params.keyLow, params.keyHigh)); }
  var keep: vec4f;
  for (var c = 0u; c < 4u; c++) {
    keep[c] = select(0.0, params.kept, words[(lane + c) / 4u][(lane + c) % 4u] >= params.threshold);
  }
  return keep;
}
