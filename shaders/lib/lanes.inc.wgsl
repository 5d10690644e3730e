// Row kernels: an output is the work of LANES invocations of one workgroup. Data is seen as [outer, axis, inner], a row being the
// elements along `axis`, `inner` apart. With COLUMNS, neighbouring invocations stand at neighbouring rows (best where inner > 1, since
// those lie side by side); without it, at neighbouring elements of one row.
override WG: u32 = 256;
override LANES: u32 = 1;       // a power of two, at most WG
override COLUMNS: bool = false;

// Which row this invocation works on; may lie past the last.
fn rowOf(wid: vec3u, nwg: vec3u, lid: u32) -> u32 {
  let rows = WG / LANES;
  return (wid.y * nwg.x + wid.x) * rows + select(lid / LANES, lid % rows, COLUMNS);
}

// Which of the row's invocations this is, from 0 to LANES - 1.
fn laneOf(lid: u32) -> u32 {
  return select(lid % LANES, lid / (WG / LANES), COLUMNS);
}

// How far the invocation `lanes` further on in the same row is in workgroup memory.
fn ahead(lanes: u32) -> u32 {
  return lanes * select(1u, WG / LANES, COLUMNS);
}

// Where this lane stands in its half of the row's lanes: both halves are summed as trees, and every lane adds the two.
fn inHalf(lane: u32) -> u32 {
  return lane % max(LANES / 2u, 1u);
}

// The first element of row `row`, for `axis` elements a row.
fn firstOf(row: u32, axis: u32, inner: u32) -> u32 {
  return (row / inner) * axis * inner + row % inner;
}

// A chunk of a row: which row, where that begins, and the places j of the chunk along `axis`, from begin to before stop.
struct Chunk { row: u32, first: u32, begin: u32, stop: u32 }

// The chunk of output `out` of [outer, splits, inner]; an empty one past the last of the `outputs`.
fn chunkOf(out: u32, outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32) -> Chunk {
  let group = out / inner;
  let row = (group / splits) * inner + out % inner;
  let begin = (group % splits) * chunk;
  return Chunk(row, firstOf(row, axis, inner), begin, select(0u, min(begin + chunk, axis), out < outputs));
}
