// The gradient of a tile of scores, computed again: P = exp(S - maximum) / sum, dP = dO V^T, dS = P (dP - delta).
@group(0) @binding(5) var<storage, read> v: array<vec4<Scalar>>;  // [B, Hkv, S, Dv / 4]
@group(0) @binding(6) var<storage, read> dO: array<vec4<Scalar>>; // [B, H, L, Dv / 4]
@group(0) @binding(7) var<storage, read> rows: array<vec4f>;      // [B, H, L], of attention_delta.wgsl

fn dotsOV(tile: Tile, j: u32, index: u32) -> mat4x4f {
  var sum = mat4x4f();
  for (var d0 = 0u; d0 < params.dv4; d0 += 8u) {
    workgroupBarrier(); // all are done with the last tiles
    for (var i = index; i < 256u; i += WG) {
      let d = i % 8u;
      var a = vec4f();
      var b = vec4f();
      if (d0 + d < params.dv4) {
        a = vec4f(dO[lineOf(tile, i / 8u, params.oAt) + d0 + d]);
        b = vec4f(v[keyLine(tile.batch, tile.hkv, j + i / 8u, params.vAt) + d0 + d]);
      }
      tileA[place(i / 8u, d)] = a;
      tileB[place(i / 8u, d)] = b;
    }
    workgroupBarrier(); // the tiles are complete
    sum = dotTiles(sum, index % 8u, index / 8u);
  }
  return sum;
}

// The weights of 4 rows and 4 keys as they multiplied the values, and the gradients of their scores by q.k.
struct Gradient { p: mat4x4f, ds: mat4x4f }

fn gradientOf(tile: Tile, j: u32, full: bool, index: u32) -> Gradient {
  var g = Gradient(dotsQK(tile, j, index), dotsOV(tile, j, index));
  let at = j + index % 8u * 4u;
  for (var r = 0u; r < 4u; r++) {
    let i = index / 8u * 4u + r;
    let row = rowAt(tile, i);
    var there = vec4<bool>(tile.row + i < params.span);
    if (!full) { there = there & seen(tile.batch, row, at); }
    let stat = rows[min(rowIndex(tile.batch, row), params.rows - 1u)];
    let keep = keeps(tile.batch, row, at);
    let score = scoresOf(g.p[r], tile.batch, row, at);
    let p = select(exp(score.x - stat.x) * stat.y, vec4f(), !there | (score.x <= vec4f(FLOOR)));
    // What is dropped or not seen has no gradient, be it NaN.
    let ds = p * (select(g.ds[r] * keep, vec4f(), keep == vec4f()) - stat.z) * score.byDots;
    g.p[r] = p * keep;
    g.ds[r] = select(ds, vec4f(), p == vec4f());
  }
  return g;
}
