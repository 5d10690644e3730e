// Running sums along an axis: y[o, j, i] = carry + sum of x[o, k, i] over k <= j (EXCLUSIVE: k < j; REVERSE: k >= j, k > j). One invocation a
// chunk of a column, one element after the other; for CARRY each chunk begins with the sum of those before it.
// flops: columns / chunks * n
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Acc = f32; // dtype
override WG: u32 = 64;
override EXCLUSIVE: bool = false;
override REVERSE: bool = false;
override CARRY: bool = false;

struct Params { columns: u32, n: u32, inner: u32, chunk: u32, chunks: u32 } // columns = outer * chunks * inner
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, n, inner]
@group(0) @binding(2) var<storage, read> carry: array<Acc>;       // [outer, chunks, inner]
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>;  // [outer, n, inner]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let column = linearIndex(wid, nwg, lid, WG);
  if (column >= params.columns) { return; }
  let row = column / params.inner;
  let o = row / params.chunks;
  let begin = (row - o * params.chunks) * params.chunk;
  let end = min(begin + params.chunk, params.n);
  let base = o * params.n * params.inner + column - row * params.inner;
  var sum = Acc();
  if (CARRY) { sum = carry[column]; }
  for (var p = begin; p < end; p++) {
    let at = base + select(p, params.n - 1u - p, REVERSE) * params.inner;
    let v = Acc(x[at]);
    if (EXCLUSIVE) { y[at] = Scalar(sum); }
    sum += v;
    if (!EXCLUSIVE) { y[at] = Scalar(sum); }
  }
}
