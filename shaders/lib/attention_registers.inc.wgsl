// Attention by blocks of 4 MB query rows and 8 keys, read straight from storage and kept in registers. A block of scores is up to four
// matrices: a column of one is a query's scores with four keys, so that `c + x * w` adds a product of 4 x 4 x 4 numbers. Blocks that are not full may hold NaN that not all of their
// rows see: where that is so, `weighted` takes the place of the product.
override WG: u32 = 16;
const MB: u32 = 2; // tunable; matrices of 4 query rows
const ROWS = 4u * MB;
const KEYS = 8u;

// Of rows 0 to 3 and 4 to 7 with keys 0 to 3 and 4 to 7.
struct Block { aa: mat4x4f, ab: mat4x4f, ba: mat4x4f, bb: mat4x4f }

@group(0) @binding(3) var<storage, read> q: array<vec4<Scalar>>; // [B, H, L, D / 4] by its strides, as all of them
@group(0) @binding(4) var<storage, read> k: array<vec4<Scalar>>; // [B, Hkv, S, D / 4]

// Where rows begin. Rows and keys that do not exist repeat the last one that does, so that nothing past a length is ever read.
fn linesOf(tile: Tile, r: u32, at: vec4u) -> vec4u {
  let rows = min(vec4u(tile.row + r) + vec4u(0u, 1u, 2u, 3u), vec4u(params.span - 1u));
  let queries = min(rows % params.l, vec4u(tile.batch.queries - 1u));
  return tile.batch.b * at.x + (tile.head + rows / params.l) * at.y + queries * at.z;
}
fn keyLines(batch: Batch, hkv: u32, j: u32, at: vec4u) -> vec4u {
  return batch.b * at.x + hkv * at.y + min(vec4u(j) + vec4u(0u, 1u, 2u, 3u), vec4u(batch.keys - 1u)) * at.z;
}

fn readQ(i: vec4u) -> mat4x4f { return mat4x4f(vec4f(q[i.x]), vec4f(q[i.y]), vec4f(q[i.z]), vec4f(q[i.w])); }
fn readK(i: vec4u) -> mat4x4f { return mat4x4f(vec4f(k[i.x]), vec4f(k[i.y]), vec4f(k[i.z]), vec4f(k[i.w])); }

// q.k of a block, always summed in the same order, so that exp(score - maximum) is at most 1 in the backward pass too.
// `Block()` rather than a declaration alone: in a loop, SwiftShader does not set that to zero again.
fn dotsQK(qa: vec4u, qb: vec4u, ka: vec4u, kb: vec4u) -> Block {
  var x = Block();
  for (var d = 0u; d < params.d4; d++) {
    let q0 = readQ(qa + d);
    let k0 = transpose(readK(ka + d));
    let k1 = transpose(readK(kb + d));
    x.aa = x.aa + k0 * q0;
    x.ab = x.ab + k1 * q0;
    if (MB > 1u) {
      let q1 = readQ(qb + d);
      x.ba = x.ba + k0 * q1;
      x.bb = x.bb + k1 * q1;
    }
  }
  return x;
}

// Whether all of them are finite.
fn areFinite(x: mat4x4f, y: mat4x4f) -> bool {
  let e = vec4u(0x7f800000u);
  let bits = array<vec4u, 8>(bitcast<vec4u>(x[0]) & e, bitcast<vec4u>(x[1]) & e, bitcast<vec4u>(x[2]) & e, bitcast<vec4u>(x[3]) & e,
    bitcast<vec4u>(y[0]) & e, bitcast<vec4u>(y[1]) & e, bitcast<vec4u>(y[2]) & e, bitcast<vec4u>(y[3]) & e);
  let odd = max(max(max(bits[0], bits[1]), max(bits[2], bits[3])), max(max(bits[4], bits[5]), max(bits[6], bits[7])));
  return all(odd < e);
}

// sum_c x_c w_c where what has weight 0 does not count, be it NaN: x are the vec4s of eight rows, `w` and `v` their weights.
fn weighted(x: mat4x4f, y: mat4x4f, w: vec4f, v: vec4f) -> vec4f {
  var vectors = array<vec4f, 8>(x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]);
  var weights = array<f32, 8>(w.x, w.y, w.z, w.w, v.x, v.y, v.z, v.w);
  var sum = vec4f();
  for (var c = 0u; c < 8u; c++) {
    if (weights[c] == 0.0) { continue; } // not `!=`, which is false for NaN on SwiftShader
    sum += vectors[c] * weights[c];
  }
  return sum;
}

// Two vec4 a row, those of keys 0 to 3 and 4 to 7, and back.
fn rowsOf(x: Block) -> array<vec4f, 16> {
  return array<vec4f, 16>(
    x.aa[0], x.ab[0], x.aa[1], x.ab[1], x.aa[2], x.ab[2], x.aa[3], x.ab[3],
    x.ba[0], x.bb[0], x.ba[1], x.bb[1], x.ba[2], x.bb[2], x.ba[3], x.bb[3]);
}
fn blockOf(x: array<vec4f, 16>) -> Block {
  return Block(mat4x4f(x[0], x[2], x[4], x[6]), mat4x4f(x[1], x[3], x[5], x[7]),
    mat4x4f(x[8], x[10], x[12], x[14]), mat4x4f(x[9], x[11], x[13], x[15]));
}
