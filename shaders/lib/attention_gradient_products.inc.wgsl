// The products of the gradients of attention by tiles of 32 rows and 32 keys, or 64 and 64. A workgroup has LX x 8 invocations, (lx, ly). Each has
// the scores of MB blocks of 4 rows (ly + 8 m is the block, a column of its matrix a row) with keys 4 lx to 4 lx + 3; of sums over keys (or
// rows) those of MB blocks of rows (or keys) in every LX-th vec4 of a head.
const MB: u32 = 1;      // tunable; 1 or 2
const COLUMNS: u32 = 2; // tunable; vec4s of a sum that an invocation has for each row: a head's width / 4 LX, rounded up
const LX = 8u * MB;
const WG = 8u * LX;
const TILE = 4u * LX;
const DEPTH = 8u / MB;      // vec4s of an operand that are in workgroup memory at a time, where all rows are
const STEP = WG / DEPTH;    // rows that an invocation brings lie so far apart
const WIDTH = LX * COLUMNS; // vec4s of a row, where it is brought whole
const FIT = 512u / WIDTH;
const CHUNK = select(select(8u, 16u, FIT >= 16u), 32u, FIT >= 32u); // whole rows that there is room for

// Of two operands DEPTH vec4s of TILE rows each, the second from 256 on, in `place`s: those that neighbours read are neighbours, and so are
// those they write. Or of one operand CHUNK rows as they are. Not a word more: past 12 KB (24 KB for tiles of 64) NVIDIA's GPUs hold fewer
// workgroups, and are a fifth slower.
var<workgroup> tiles: array<vec4f, 512>;
var<workgroup> weights: array<vec4f, TILE * LX>; // [rows][keys] of P or dS

alias Block = array<mat4x4f, MB>;
alias Sums = array<mat4x4f, MB * COLUMNS>; // of block m and column c at m COLUMNS + c

fn place(row: u32, d: u32) -> u32 { return d * TILE + ((row % 4u * LX + row / 4u) ^ d); }

// c + x w
fn fused(c: mat4x4f, x: mat4x4f, w: mat4x4f) -> mat4x4f {
  return mat4x4f(mixed(c[0], x, w[0]), mixed(c[1], x, w[1]), mixed(c[2], x, w[2]), mixed(c[3], x, w[3]));
}
fn mixed(c: vec4f, x: mat4x4f, w: vec4f) -> vec4f {
  return fma(w.wwww, x[3], fma(w.zzzz, x[2], fma(w.yyyy, x[1], fma(w.xxxx, x[0], c))));
}

// The dot products of the rows of the first operand with those of the second, added to c.
fn dotTiles(c: Block, lx: u32, ly: u32) -> Block {
  var sum = c;
  for (var d = 0u; d < DEPTH; d++) {
    let b = 256u + d * TILE + (lx ^ d);
    let keys = transpose(mat4x4f(tiles[b], tiles[b + LX], tiles[b + 2u * LX], tiles[b + 3u * LX]));
    for (var m = 0u; m < MB; m++) {
      let a = d * TILE + (ly ^ d) + 8u * m;
      sum[m] = fused(sum[m], keys, mat4x4f(tiles[a], tiles[a + LX], tiles[a + 2u * LX], tiles[a + 3u * LX]));
    }
  }
  return sum;
}
fn putTiles(rows: mat4x4f, keys: mat4x4f, index: u32) {
  for (var i = 0u; i < 4u / MB; i++) {
    let at = place(index / DEPTH + i * STEP, index % DEPTH);
    tiles[at] = rows[i];
    tiles[256u + at] = keys[i];
  }
}

// q.k of rows with keys, always summed in the same order, so that exp(score - maximum) is at most 1 in the backward pass too.
fn dotsQK(rows: vec4u, keys: vec4u, index: u32) -> Block {
  var sum = Block();
  for (var d0 = 0u; d0 < params.d4; d0 += DEPTH) {
    let d = d0 + index % DEPTH;
    var a = mat4x4f();
    var b = mat4x4f();
    if (d < params.d4) {
      a[0] = vec4f(q[rows.x + d]);
      a[1] = vec4f(q[rows.y + d]);
      b[0] = vec4f(k[keys.x + d]);
      b[1] = vec4f(k[keys.y + d]);
      if (MB == 1u) {
        a[2] = vec4f(q[rows.z + d]);
        a[3] = vec4f(q[rows.w + d]);
        b[2] = vec4f(k[keys.z + d]);
        b[3] = vec4f(k[keys.w + d]);
      }
    }
    workgroupBarrier(); // all are done with the last tiles
    putTiles(a, b, index);
    workgroupBarrier(); // the tiles are complete
    sum = dotTiles(sum, index % LX, index / LX);
  }
  return sum;
}

fn putWeights(x: Block, lx: u32, ly: u32) {
  for (var m = 0u; m < MB; m++) {
    let at = (4u * ly + 32u * m) * LX + lx;
    weights[at] = x[m][0];
    weights[at + LX] = x[m][1];
    weights[at + 2u * LX] = x[m][2];
    weights[at + 3u * LX] = x[m][3];
  }
}

// Adds the products of the weights with a chunk that begins at key (row, where `byKey`) k0: sums are of rows over keys, or of keys over rows.
fn addProducts(sums: ptr<function, Sums>, k0: u32, byKey: bool, whole: bool, lx: u32, ly: u32) {
  if (!whole && !isFiniteChunk(lx)) {
    addSeen(sums, k0, byKey, lx, ly);
    return;
  }
  for (var i = 0u; i < CHUNK; i += 4u) {
    var w: Block;
    for (var m = 0u; m < MB; m++) {
      var at = (4u * ly + 32u * m) * LX + (k0 + i) / 4u;
      if (byKey) { at = (k0 + i) * LX + ly + 8u * m; }
      w[m] = mat4x4f(weights[at], weights[at + LX], weights[at + 2u * LX], weights[at + 3u * LX]);
      if (byKey) { w[m] = transpose(w[m]); }
    }
    for (var c = 0u; c < COLUMNS; c++) {
      let b = i * WIDTH + c * LX + lx;
      let x = mat4x4f(tiles[b], tiles[b + WIDTH], tiles[b + 2u * WIDTH], tiles[b + 3u * WIDTH]);
      for (var m = 0u; m < MB; m++) { (*sums)[m * COLUMNS + c] = fused((*sums)[m * COLUMNS + c], x, w[m]); }
    }
  }
}

// Whether all of the chunk that the invocation reads is finite.
fn isFiniteChunk(lx: u32) -> bool {
  var yes = true;
  for (var i = lx; i < CHUNK * WIDTH; i += LX) { yes = yes && isFinite(tiles[i]); }
  return yes;
}

// The same where what has weight 0 does not count, be it NaN.
fn addSeen(sums: ptr<function, Sums>, k0: u32, byKey: bool, lx: u32, ly: u32) {
  for (var i = 0u; i < CHUNK; i++) {
    for (var m = 0u; m < MB; m++) {
      let at = (4u * ly + 32u * m) * LX + (k0 + i) / 4u;
      let e = (k0 + i) % 4u;
      var w = weights[(k0 + i) * LX + ly + 8u * m];
      if (!byKey) { w = vec4f(weights[at][e], weights[at + LX][e], weights[at + 2u * LX][e], weights[at + 3u * LX][e]); }
      for (var c = 0u; c < COLUMNS; c++) {
        let x = tiles[i * WIDTH + c * LX + lx];
        let y = (*sums)[m * COLUMNS + c];
        (*sums)[m * COLUMNS + c] = mat4x4f(plus(y[0], x, w.x), plus(y[1], x, w.y), plus(y[2], x, w.z), plus(y[3], x, w.w));
      }
    }
  }
}
