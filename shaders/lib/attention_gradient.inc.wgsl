// The gradient of a block of scores, computed again: P = exp(S - maximum) / sum, dP = dO V^T, dS = P (dP - delta).
@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;  // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read> dO: array<vec4<Scalar>>; // [B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read> rows: array<vec4f>;      // [B, H, L], of attention_delta.wgsl

fn readV(i: vec4u) -> mat4x4f { return mat4x4f(vec4f(v[i.x]), vec4f(v[i.y]), vec4f(v[i.z]), vec4f(v[i.w])); }
fn readDO(i: vec4u) -> mat4x4f { return mat4x4f(vec4f(dO[i.x]), vec4f(dO[i.y]), vec4f(dO[i.z]), vec4f(dO[i.w])); }

fn dotsOV(oa: vec4u, ob: vec4u, va: vec4u, vb: vec4u) -> Block {
  var x = Block();
  for (var d = 0u; d < params.dv4; d++) {
    let o0 = readDO(oa + d);
    let v0 = transpose(readV(va + d));
    let v1 = transpose(readV(vb + d));
    x.aa = x.aa + v0 * o0;
    x.ab = x.ab + v1 * o0;
    if (MB > 1u) {
      let o1 = readDO(ob + d);
      x.ba = x.ba + v0 * o1;
      x.bb = x.bb + v1 * o1;
    }
  }
  return x;
}

// The weights of a block as they multiplied the values, and the gradients of its scores by the float mask or by q.k; two vec4 a row.
struct Gradient { p: array<vec4f, 16>, ds: array<vec4f, 16> }

fn gradientOf(tile: Tile, j: u32, full: bool, byMask: bool) -> Gradient {
  let batch = tile.batch;
  let ka = keyLines(batch, tile.hkv, j, params.kAt);
  let kb = keyLines(batch, tile.hkv, j + 4u, params.kAt);
  var x = rowsOf(dotsQK(linesOf(tile, 0u, params.qAt), linesOf(tile, 4u, params.qAt), ka, kb));
  let va = keyLines(batch, tile.hkv, j, params.vAt);
  let vb = keyLines(batch, tile.hkv, j + 4u, params.vAt);
  var dp = rowsOf(dotsOV(linesOf(tile, 0u, params.oAt), linesOf(tile, 4u, params.oAt), va, vb));
  for (var i = 0u; i < 2u * ROWS; i++) {
    let row = rowAt(tile, i / 2u);
    let at = j + i % 2u * 4u;
    var there = vec4<bool>(tile.row + i / 2u < params.span);
    if (!full) { there = there & seen(batch, row, at); }
    let stat = rows[min(rowIndex(batch, row), params.rows - 1u)];
    let keep = keeps(batch, row, at);
    let score = scoresOf(x[i], batch, row, at);
    let p = select(exp(score.x - stat.x) * stat.y, vec4f(), !there | (score.x <= vec4f(FLOOR)));
    // What is dropped or not seen has no gradient, be it NaN.
    let ds = p * (select(dp[i] * keep, vec4f(), keep == vec4f()) - stat.z) * select(score.byDots, score.byMask, byMask);
    dp[i] = select(ds, vec4f(), p == vec4f());
    x[i] = p * keep;
  }
  return Gradient(x, dp);
}
