// Who sees whom: by blocks, which may be hidden, partial or whole, and key by key. Part of lib/attention.inc.wgsl.

// The class of what a tile's queries and keys j to j + n - 1 make up: that of its blocks, if they are of one.
fn blockClass(tile: Tile, j: u32, n: u32) -> u32 {
  let at = params.maskBlocks;
  // Without classes, or where the rows are of several heads that may differ.
  if (at.x == NONE || (params.span > params.l && at.z != 0u)) { return PARTIAL_BLOCK; }
  let first = aux[at.x + tile.batch.b * at.y + tile.head * at.z + u32(max(tile.low, 0)) / MASK_BLOCK * at.w + j / MASK_BLOCK];
  for (var i = u32(max(tile.low, 0)) / MASK_BLOCK; i <= u32(max(tile.high, 0)) / MASK_BLOCK; i++) {
    for (var k = j / MASK_BLOCK; k * MASK_BLOCK < min(j + n, tile.batch.keys); k++) {
      if (aux[at.x + tile.batch.b * at.y + tile.head * at.z + i * at.w + k] != first) { return PARTIAL_BLOCK; }
    }
  }
  return first;
}

// Whether the queries of a tile see none of the keys j to j + n - 1, and whether all of them all, but for a bool mask.
fn isEmpty(tile: Tile, j: u32, n: u32) -> bool {
  let last = min(j + n, tile.batch.keys);
  let low = tile.low + tile.batch.offset - params.left;
  let high = tile.high + tile.batch.offset + params.right;
  return tile.high < tile.low || last <= j || i32(last) - 1 < low || i32(j) > high || isHidden(tile, j, n);
}
fn isFull(tile: Tile, j: u32, n: u32) -> bool {
  return (!MASK_MOD || blockClass(tile, j, n) == FULL_BLOCK) && params.maskKind != BOOL && j + n <= tile.batch.keys
    && i32(j) >= tile.high + tile.batch.offset - params.left && i32(j + n) - 1 <= tile.low + tile.batch.offset + params.right;
}
fn isHidden(tile: Tile, j: u32, n: u32) -> bool {
  if (!MASK_MOD) { return false; }
  return blockClass(tile, j, n) == EMPTY_BLOCK;
}
// The keys that some of these queries see, from a multiple of n on: [x, y).
fn keysOf(batch: Batch, low: i32, high: i32, n: u32) -> vec2u {
  if (high < low) { return vec2u(); }
  let keys = i32(batch.keys);
  let begin = clamp(low + batch.offset - params.left, 0, keys);
  return vec2u(u32(begin) / n * n, u32(clamp(high + batch.offset + params.right + 1, 0, keys)));
}

// Which of keys j to j + 3 the query of `row` may see.
fn seen(batch: Batch, row: vec2u, j: u32) -> vec4<bool> {
  let keys = vec4i(i32(j)) + vec4i(0, 1, 2, 3);
  let center = i32(row.y) + batch.offset;
  var yes = (keys < vec4i(i32(batch.keys))) & (keys >= vec4i(center - params.left)) & (keys <= vec4i(center + params.right))
    & vec4<bool>(row.y < batch.queries);
  for (var c = 0u; c < 4u; c++) {
    if (params.maskKind == BOOL) {
      let at = dot(params.maskAt, vec4u(batch.b, row, j + c));
      yes[c] = yes[c] && ((mask[at / 4u] >> (at % 4u * 8u)) & 0xffu) != 0u;
    }
    if (MASK_MOD) { yes[c] = yes[c] && mask_mod(batch.b, row.x, row.y, j + c); }
  }
  return yes;
}
