// What the kernels of attention by tiles share: TILE rows of queries and as many keys, of which an invocation has blocks of 4 x 4.
override PARTIAL: bool = true; // whether some tiles have fewer rows or keys, or queries that do not see all keys

@group(0) @binding(3) var<storage, read> q: array<vec4<Scalar>>; // [B, H, L, D / 4] by its strides, as all of them
@group(0) @binding(4) var<storage, read> k: array<vec4<Scalar>>; // [B, Hkv, S, D / 4]

// Where a row of queries or keys begins. Those that do not exist repeat the last one that does, so that nothing past a length is ever read.
fn lineOf(tile: Tile, r: u32, at: vec4u) -> u32 {
  let row = min(tile.row + r, params.span - 1u);
  var head = tile.head;
  var query = row;
  if (params.span > params.l) {
    head += row / params.l;
    query = row % params.l;
  }
  return dot(at.xyz, vec3u(tile.batch.b, head, min(query, tile.batch.queries - 1u)));
}
fn keyLine(batch: Batch, hkv: u32, j: u32, at: vec4u) -> u32 { return dot(at.xyz, vec3u(batch.b, hkv, min(j, batch.keys - 1u))); }
// Four of them, `step` apart.
fn linesOf(tile: Tile, r: u32, step: u32, at: vec4u) -> vec4u {
  return vec4u(lineOf(tile, r, at), lineOf(tile, r + step, at), lineOf(tile, r + 2u * step, at), lineOf(tile, r + 3u * step, at));
}
fn keyLines(batch: Batch, hkv: u32, j: u32, step: u32, at: vec4u) -> vec4u {
  return batch.b * at.x + hkv * at.y + min(vec4u(j) + step * vec4u(0u, 1u, 2u, 3u), vec4u(batch.keys - 1u)) * at.z;
}

// What of a range of keys or rows falls to a split: whole tiles, as evenly as they go.
fn shareOf(range: vec2u, split: u32) -> vec2u {
  let count = (range.y - min(range.x, range.y) + TILE - 1u) / TILE;
  let share = (count + params.splits - 1u) / params.splits * TILE;
  return vec2u(range.x + split * share, min(range.y, range.x + (split + 1u) * share));
}

// Whether queries see all keys of a tile, and all its rows exist; else `sight` says who sees what.
fn isWhole(tile: Tile, j: u32) -> bool { return !PARTIAL || (tile.row + TILE <= params.span && isFull(tile, j, TILE)); }

// Which keys j to j + 3 the 4 rows from r on see: four bits a row.
fn sight(tile: Tile, r: u32, j: u32) -> u32 {
  var bits = 0u;
  for (var i = 0u; i < 4u; i++) {
    let yes = seen(tile.batch, rowAt(tile, r + i), j) & vec4<bool>(tile.row + r + i < params.span);
    bits |= dot(select(vec4u(), vec4u(1u, 2u, 4u, 8u), yes), vec4u(1u)) << (4u * i);
  }
  return bits;
}
fn sees(bits: u32, i: u32) -> vec4<bool> { return (vec4u(bits >> (4u * i)) & vec4u(1u, 2u, 4u, 8u)) != vec4u(); }

// Whether there is neither infinity nor NaN in it: under what is not seen there may be, and 0 NaN is NaN.
fn isFinite(x: vec4f) -> bool {
  let e = vec4u(0x7f800000u);
  return !any((bitcast<vec4u>(x) & e) == e);
}
// c + x w, where what has weight 0 does not count, be it NaN.
fn plus(c: vec4f, x: vec4f, w: f32) -> vec4f { return select(c + x * w, c, w == 0.0); } // not `!=`, which is false for NaN on SwiftShader
