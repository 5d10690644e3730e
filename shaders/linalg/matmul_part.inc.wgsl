// Which part of a product a workgroup computes: for matmul.inc.wgsl, whose params it reads.
// What one workgroup works on.
struct Tile { m: u32, n: u32, batch: u32, split: u32, at: vec3u } // `at`: where A, B and bias begin for this product of the batch

// The tile of a workgroup. Where it computes several ranges of K and products of the batch, `layers` of them, this is the one of a layer.
fn tileOf(index: u32, layers: u32, layer: u32) -> Tile {
  var tile: Tile;
  let product = index / (params.tilesN * params.tilesM) * layers + layer;
  // Eight rows of tiles at a time, so that tiles computed together share more of A and B in the caches.
  let band = 8u * params.tilesN;
  let inside = index % (params.tilesN * params.tilesM);
  let rows = min(8u, params.tilesM - inside / band * 8u);
  tile.m = inside / band * 8u + inside % band % rows;
  tile.n = inside % band / rows;
  tile.split = product % params.splits;
  tile.batch = product / params.splits;
  var rest = tile.batch;
  for (var d = params.rank; d > 0u; d--) {
    let dim = params.dims[d - 1u];
    tile.at += (rest % dim.x) * dim.yzw;
    rest /= dim.x;
  }
  return tile;
}

// What of K a workgroup sums: these runs, and these k of each.
struct Span { run: u32, lastRun: u32, k: u32, end: u32 }
fn spanOf(tile: Tile) -> Span {
  let begin = tile.split * params.range;
  if (RUNS) { return Span(begin, min(begin + params.range, params.runs), 0u, params.k); }
  return Span(0u, 1u, begin, min(begin + params.range, params.k));
}
// Where a run begins in A and B.
fn runAt(tile: Tile, run: u32) -> vec2u {
  if (!RUNS) { return tile.at.xy; }
  let d = params.runDims;
  let rest = run / d[2].x;
  return tile.at.xy + run % d[2].x * d[2].yz + rest % d[1].x * d[1].yz + rest / d[1].x * d[0].yz;
}
