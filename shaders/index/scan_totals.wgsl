// The sums of the chunks that scan_columns.wgsl and scan_rows.wgsl begin with: totals[o, c, i] = sum of x[o, k, i] over chunk c, counted from
// the end for REVERSE. LANES (1, or all of a workgroup) share a chunk.
// flops: columns / chunks * n
alias Scalar = f32; // dtype
alias Acc = f32; // dtype
override WG: u32 = 256;
override LANES: u32 = 1;
override REVERSE: bool = false;

struct Params { columns: u32, n: u32, inner: u32, chunk: u32, chunks: u32 } // columns = outer * chunks * inner
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, n, inner]
@group(0) @binding(2) var<storage, read_write> totals: array<Acc>;   // [outer, chunks, inner] = [columns]

var<workgroup> lanes: array<Acc, LANES>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let column = (wid.y * nwg.x + wid.x) * (WG / LANES) + lid / LANES;
  let lane = lid % LANES;
  var sum = Acc();
  if (column < params.columns) {
    let row = column / params.inner;
    let o = row / params.chunks;
    let begin = (row - o * params.chunks) * params.chunk;
    let end = min(begin + params.chunk, params.n);
    let base = o * params.n * params.inner + column - row * params.inner;
    for (var p = begin + lane; p < end; p += LANES) { sum += Acc(x[base + select(p, params.n - 1u - p, REVERSE) * params.inner]); }
  }
  if (LANES > 1u) {
    lanes[lane] = sum;
    for (var step = LANES / 2u; step > 0u; step = step / 2u) {
      workgroupBarrier();
      if (lane < step) { lanes[lane] += lanes[lane + step]; }
    }
    if (lane == 0u) { sum = lanes[0]; }
  }
  if (lane == 0u && column < params.columns) { totals[column] = sum; }
}
