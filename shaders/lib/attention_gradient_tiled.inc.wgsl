// The gradient of a tile of scores, computed again: P = exp(S - maximum) / sum, dP = dO V^T, dS = P (dP - delta).
@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;  // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read> dO: array<vec4<Scalar>>; // [B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read> rows: array<vec4f>;      // [B, H, L], of attention_delta.wgsl

fn dotsOV(rows: vec4u, keys: vec4u, index: u32) -> Block {
  var sum = Block();
  for (var d0 = 0u; d0 < params.dv4; d0 += DEPTH) {
    let d = d0 + index % DEPTH;
    var a = mat4x4f();
    var b = mat4x4f();
    if (d < params.dv4) {
      a[0] = vec4f(dO[rows.x + d]);
      a[1] = vec4f(dO[rows.y + d]);
      b[0] = vec4f(v[keys.x + d]);
      b[1] = vec4f(v[keys.y + d]);
      if (MB == 1u) {
        a[2] = vec4f(dO[rows.z + d]);
        a[3] = vec4f(dO[rows.w + d]);
        b[2] = vec4f(v[keys.z + d]);
        b[3] = vec4f(v[keys.w + d]);
      }
    }
    workgroupBarrier(); // all are done with the last tiles
    putTiles(a, b, index);
    workgroupBarrier(); // the tiles are complete
    sum = dotTiles(sum, index % LX, index / LX);
  }
  return sum;
}

// The weights as they multiplied the values, and the gradients of the scores by q.k.
struct Gradient { p: Block, ds: Block }
struct RowGradient { p: vec4f, ds: vec4f }

// Of keys j to j + 3, from the dot products of q and k, and of dO and v.
fn gradientOf(tile: Tile, j: u32, whole: bool, scores: Block, dp: Block, ly: u32) -> Gradient {
  var g = Gradient(scores, dp);
  for (var m = 0u; m < MB; m++) {
    let r = 4u * ly + 32u * m;
    var bits = 0xffffu;
    if (!whole) { bits = sight(tile, r, j); }
    if (MODIFIED) {
      for (var i = 0u; i < 4u; i++) {
        let row = rowGradient(scores[m][i], dp[m][i], tile, r + i, j, sees(bits, i));
        g.p[m][i] = row.p;
        g.ds[m][i] = row.ds;
      }
    } else {
      // Written out: in a loop GPUs hold matrices in memory.
      let a = rowGradient(scores[m][0], dp[m][0], tile, r, j, sees(bits, 0u));
      let b = rowGradient(scores[m][1], dp[m][1], tile, r + 1u, j, sees(bits, 1u));
      let c = rowGradient(scores[m][2], dp[m][2], tile, r + 2u, j, sees(bits, 2u));
      let d = rowGradient(scores[m][3], dp[m][3], tile, r + 3u, j, sees(bits, 3u));
      g.p[m] = mat4x4f(a.p, b.p, c.p, d.p);
      g.ds[m] = mat4x4f(a.ds, b.ds, c.ds, d.ds);
    }
  }
  return g;
}
fn rowGradient(dots: vec4f, dp: vec4f, tile: Tile, r: u32, j: u32, yes: vec4<bool>) -> RowGradient {
  let row = rowAt(tile, r);
  let stat = rows[min(rowIndex(tile.batch, row), params.rows - 1u)];
  let keep = keeps(tile.batch, row, j);
  let score = scoresOf(dots, tile.batch, row, j);
  // Not `yes & score > FLOOR`, which would make 0 of NaN.
  let p = select(exp(score.x - stat.x) * stat.y, vec4f(), !yes | (score.x <= vec4f(FLOOR)));
  // What is dropped or not seen has no gradient, be it NaN.
  let ds = p * (select(dp * keep, vec4f(), keep == vec4f()) - stat.z) * score.byDots;
  return RowGradient(p * keep, select(ds, vec4f(), p == vec4f()));
}
