// The products of the forward pass by tiles of 32 rows and 32 keys, as outer products. Of the 8 x 8 invocations of a workgroup, (lane.x, lane.y),
// each has the scores of the 4 rows of block lane.y with the 4 keys of block lane.x; of the sums over keys it has those of the same rows, and of
// them every eighth vec4 of a head. A column of a matrix is a row of queries.
const COLUMNS: u32 = 2; // tunable; vec4s of a sum that an invocation has for each row: Dv / 32, rounded up
const TILE = 32u;
const WIDTH = 8u * COLUMNS; // vec4s of a row of V
const FIT = 512u / WIDTH;
const CHUNK = select(select(8u, 16u, FIT >= 16u), 32u, FIT >= 32u); // whole rows of V that there is room for
const BROUGHT = CHUNK * COLUMNS / 8u; // vec4s of them an invocation

// 32 numbers of all rows, then of all keys: [number][8 blocks of rows and 8 of keys]. Or CHUNK rows of V as they are. Arrays of arrays, since
// GPUs then need not work out where each vec4 lies. Not a word more: past 12 KB NVIDIA's hold fewer workgroups, and are a fifth slower.
var<workgroup> tiles: array<array<vec4f, 16>, 32>;
var<workgroup> weights: array<array<vec4f, 8>, TILE>; // [key][block of rows]; between, maxima and sums: [block of rows][block of keys]

alias Sums = array<mat4x4f, COLUMNS>; // a column of a matrix is a row of queries, as everywhere here
alias Chunk = array<vec4f, BROUGHT>;

// q.k of rows with keys, in the order of the gradients, so that exp(score - maximum) is at most 1 there too.
fn dotsQK(rows: vec4u, keys: vec4u, index: u32, lane: vec2u) -> mat4x4f {
  var sum = mat4x4f();
  for (var d0 = 0u; d0 < params.d4; d0 += 8u) {
    let d = d0 + index % 8u;
    var a = mat4x4f();
    var b = mat4x4f();
    if (d < params.d4) {
      a = mat4x4f(vec4f(q[rows.x + d]), vec4f(q[rows.y + d]), vec4f(q[rows.z + d]), vec4f(q[rows.w + d]));
      b = mat4x4f(vec4f(k[keys.x + d]), vec4f(k[keys.y + d]), vec4f(k[keys.z + d]), vec4f(k[keys.w + d]));
    }
    workgroupBarrier(); // all are done with the last tiles
    putTile(transpose(a), 0u, index);
    putTile(transpose(b), 8u, index);
    workgroupBarrier(); // the tiles are complete
    for (var n = 0u; n < 8u; n++) {
      // Four numbers written out: GPUs leave loops as they are, and do not read ahead in them.
      let at = lane ^ vec2u(n);
      sum = outer(sum, tiles[4u * n][at.y], tiles[4u * n][8u + at.x]);
      sum = outer(sum, tiles[4u * n + 1u][at.y], tiles[4u * n + 1u][8u + at.x]);
      sum = outer(sum, tiles[4u * n + 2u][at.y], tiles[4u * n + 2u][8u + at.x]);
      sum = outer(sum, tiles[4u * n + 3u][at.y], tiles[4u * n + 3u][8u + at.x]);
    }
  }
  return sum;
}
// Four numbers of a block of rows or keys, in places that neighbours do not share a bank of memory for.
fn putTile(numbers: mat4x4f, base: u32, index: u32) {
  let n = index % 8u;
  let at = base + ((index / 8u) ^ n);
  tiles[4u * n][at] = numbers[0];
  tiles[4u * n + 1u][at] = numbers[1];
  tiles[4u * n + 2u][at] = numbers[2];
  tiles[4u * n + 3u][at] = numbers[3];
}

// c + the products of all of a with all of b: column i of c is that of a[i].
fn outer(c: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(fma(a.xxxx, b, c[0]), fma(a.yyyy, b, c[1]), fma(a.zzzz, b, c[2]), fma(a.wwww, b, c[3]));
}

// Where the weights of a block of rows for a key lie: as above.
fn placeOf(key: u32, rows: u32) -> u32 { return rows ^ (key / 4u * 6u % 8u); }
fn putWeights(x: mat4x4f, lane: vec2u) {
  let key = 4u * lane.x;
  let at = placeOf(key, lane.y);
  let byKey = transpose(x);
  weights[key][at] = byKey[0];
  weights[key + 1u][at] = byKey[1];
  weights[key + 2u][at] = byKey[2];
  weights[key + 3u][at] = byKey[3];
}

fn putChunk(x: Chunk, index: u32) {
  for (var t = 0u; t < BROUGHT; t++) {
    let i = index + 64u * t;
    tiles[i / 16u][i % 16u] = x[t];
  }
}
// Vec4 8 c + lx of row i of the chunk.
fn chunkAt(i: u32, c: u32, lx: u32) -> vec4f {
  let at = i * WIDTH + 8u * c;
  return tiles[at / 16u][at % 16u + lx];
}

// Adds the products of the weights with a chunk that begins at key k0.
fn addProducts(sums: ptr<function, Sums>, k0: u32, whole: bool, lane: vec2u) {
  if (!whole && !isFiniteChunk(lane.x)) {
    addSeen(sums, k0, lane);
    return;
  }
  for (var i = 0u; i < CHUNK; i += 4u) {
    let at = placeOf(k0 + i, lane.y);
    addKey(sums, weights[k0 + i][at], i, lane.x);
    addKey(sums, weights[k0 + i + 1u][at], i + 1u, lane.x);
    addKey(sums, weights[k0 + i + 2u][at], i + 2u, lane.x);
    addKey(sums, weights[k0 + i + 3u][at], i + 3u, lane.x);
  }
}
fn addKey(sums: ptr<function, Sums>, w: vec4f, i: u32, lx: u32) {
  for (var c = 0u; c < COLUMNS; c++) { (*sums)[c] = outer((*sums)[c], w, chunkAt(i, c, lx)); }
}
fn isFiniteChunk(lx: u32) -> bool {
  var yes = true;
  for (var i = 0u; i < CHUNK * COLUMNS; i++) { yes = yes && isFinite(chunkAt(0u, i, lx)); }
  return yes;
}
fn addSeen(sums: ptr<function, Sums>, k0: u32, lane: vec2u) {
  for (var i = 0u; i < CHUNK; i++) {
    let w = weights[k0 + i][placeOf(k0 + i, lane.y)];
    for (var c = 0u; c < COLUMNS; c++) {
      let x = chunkAt(i, c, lane.x);
      let y = (*sums)[c];
      (*sums)[c] = mat4x4f(plus(y[0], x, w.x), plus(y[1], x, w.y), plus(y[2], x, w.z), plus(y[3], x, w.w));
    }
  }
}
