// Attention by tiles of 32 rows of queries and 32 keys for GPUs. Workgroups have 8 x 8 invocations; each has the scores of 4 rows with
// 4 keys, a column of a matrix being a row's, and of sums over rows or keys those of 4 rows (or keys) in every eighth vec4 of a head: however
// wide heads are, no invocation holds more than eight matrices of them.
const TILE = 32u;
const WG = 64u;

@group(0) @binding(3) var<storage, read> q: array<vec4<Scalar>>; // [B, H, L, D / 4] by its strides, as all of them
@group(0) @binding(4) var<storage, read> k: array<vec4<Scalar>>; // [B, Hkv, S, D / 4]

// Eight vec4s of 32 rows each. What is read by rows is in `place`s: those that neighbours read are neighbours, and so are those they write.
var<workgroup> tileA: array<vec4f, 256>;
var<workgroup> tileB: array<vec4f, 256>;

fn place(row: u32, d: u32) -> u32 { return d * 32u + ((row % 4u * 8u + row / 4u) ^ d); }

// Where a row begins. Rows and keys that do not exist repeat the last one that does, so that nothing past a length is ever read.
fn lineOf(tile: Tile, r: u32, at: vec4u) -> u32 {
  let row = min(tile.row + r, params.span - 1u);
  return dot(at.xyz, vec3u(tile.batch.b, tile.head + row / params.l, min(row % params.l, tile.batch.queries - 1u)));
}
fn keyLine(batch: Batch, hkv: u32, j: u32, at: vec4u) -> u32 { return dot(at.xyz, vec3u(batch.b, hkv, min(j, batch.keys - 1u))); }

// c + x w
fn fused(c: mat4x4f, x: mat4x4f, w: mat4x4f) -> mat4x4f {
  return mat4x4f(mixed(c[0], x, w[0]), mixed(c[1], x, w[1]), mixed(c[2], x, w[2]), mixed(c[3], x, w[3]));
}
fn mixed(c: vec4f, x: mat4x4f, w: vec4f) -> vec4f {
  return fma(w.wwww, x[3], fma(w.zzzz, x[2], fma(w.yyyy, x[1], fma(w.xxxx, x[0], c))));
}

// The same where what has weight 0 does not count, be it NaN.
fn weighted(c: mat4x4f, x: mat4x4f, w: mat4x4f) -> mat4x4f {
  let e = vec4u(0x7f800000u);
  let odd = max(max(bitcast<vec4u>(x[0]) & e, bitcast<vec4u>(x[1]) & e), max(bitcast<vec4u>(x[2]) & e, bitcast<vec4u>(x[3]) & e));
  if (all(odd < e)) { return fused(c, x, w); }
  var y = c;
  var vectors = x;
  var weights = w;
  for (var i = 0u; i < 16u; i++) {
    let weight = weights[i / 4u][i % 4u];
    if (weight == 0.0) { continue; } // not `!=`, which is false for NaN on SwiftShader
    y[i / 4u] += vectors[i % 4u] * weight;
  }
  return y;
}

// The dot products of the rows in tileA with those in tileB, four with four, added to c.
fn dotTiles(c: mat4x4f, lx: u32, ly: u32) -> mat4x4f {
  var sum = c;
  for (var d = 0u; d < 8u; d++) {
    let a = mat4x4f(tileA[place(4u * ly, d)], tileA[place(4u * ly + 1u, d)], tileA[place(4u * ly + 2u, d)], tileA[place(4u * ly + 3u, d)]);
    let b = mat4x4f(tileB[place(4u * lx, d)], tileB[place(4u * lx + 1u, d)], tileB[place(4u * lx + 2u, d)], tileB[place(4u * lx + 3u, d)]);
    sum = fused(sum, transpose(b), a);
  }
  return sum;
}

// q.k of 4 rows with 4 keys, always summed in the same order, so that exp(score - maximum) is at most 1 in the backward pass too.
fn dotsQK(tile: Tile, j: u32, index: u32) -> mat4x4f {
  var sum = mat4x4f();
  for (var d0 = 0u; d0 < params.d4; d0 += 8u) {
    workgroupBarrier(); // all are done with the last tiles
    for (var i = index; i < 256u; i += WG) {
      let d = i % 8u;
      let inside = d0 + d < params.d4;
      var a = vec4f();
      var b = vec4f();
      if (inside) {
        a = vec4f(q[lineOf(tile, i / 8u, params.qAt) + d0 + d]);
        b = vec4f(k[keyLine(tile.batch, tile.hkv, j + i / 8u, params.kAt) + d0 + d]);
      }
      tileA[place(i / 8u, d)] = a;
      tileB[place(i / 8u, d)] = b;
    }
    workgroupBarrier(); // the tiles are complete
    sum = dotTiles(sum, index % 8u, index / 8u);
  }
  return sum;
}

// Four rows of eight vec4s in a tile that is not in places.
fn fourOfA(row: u32, column: u32) -> mat4x4f {
  let i = row * 8u + column;
  return mat4x4f(tileA[i], tileA[i + 8u], tileA[i + 16u], tileA[i + 24u]);
}
