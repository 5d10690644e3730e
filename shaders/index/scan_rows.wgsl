// scan_columns.wgsl for inner = 1 on hardware where neighbouring invocations should read neighbouring elements: one workgroup a chunk of a
// row, 4 * WG elements at a time. Each lane sums 4; the lanes' sums are scanned in groups of 16, then the 16 groups (work-efficient:
// Blelloch 1990, with two levels in place of a tree, for fewer barriers).
// flops: columns / chunks * n
alias Scalar = f32; // dtype
alias Acc = f32; // dtype
const WG: u32 = 256;
override EXCLUSIVE: bool = false;
override REVERSE: bool = false;
override CARRY: bool = false;

struct Params { columns: u32, n: u32, chunk: u32, chunks: u32 } // columns = rows * chunks
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [rows, n]
@group(0) @binding(2) var<storage, read> carry: array<Acc>;       // [rows, chunks]
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>;  // [rows, n]

var<workgroup> lanes: array<Acc, WG>;
var<workgroup> groups: array<Acc, 16>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let column = wid.y * nwg.x + wid.x;
  if (column >= params.columns) { return; }
  let row = column / params.chunks;
  let begin = (column - row * params.chunks) * params.chunk;
  let end = min(begin + params.chunk, params.n);
  var before = Acc();
  if (CARRY) { before = carry[column]; }
  for (var tile = begin; tile < end; tile += 4u * WG) {
    var v: array<Acc, 4>;
    var sum = Acc();
    for (var e = 0u; e < 4u; e++) {
      let p = tile + 4u * lid + e;
      if (p < end) { v[e] = Acc(x[row * params.n + select(p, params.n - 1u - p, REVERSE)]); }
      sum += v[e];
    }
    lanes[lid] = sum;
    workgroupBarrier();
    if (lid < 16u) {
      var group = Acc();
      for (var k = 16u * lid; k < 16u * lid + 16u; k++) {
        let own = lanes[k];
        lanes[k] = group;
        group += own;
      }
      groups[lid] = group;
    }
    workgroupBarrier(); // the next tile may follow without another: lanes[lid] is its own, groups are written after the next barrier
    sum = before;
    for (var g = 0u; g < 16u; g++) {
      if (g < lid / 16u) { sum += groups[g]; }
      before += groups[g];
    }
    sum += lanes[lid];
    for (var e = 0u; e < 4u; e++) {
      let p = tile + 4u * lid + e;
      let next = sum + v[e];
      if (p < end) { y[row * params.n + select(p, params.n - 1u - p, REVERSE)] = Scalar(select(next, sum, EXCLUSIVE)); }
      sum = next;
    }
  }
}
