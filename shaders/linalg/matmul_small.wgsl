// C = f(A B + bias) with few rows: a recurrent step, a matrix times a vector, a dot product. There is too little of C to occupy a GPU, so
// the invocations of a workgroup share out K: each of WK sums its part of 4 rows x 4 columns, then the parts are added in order.
#include "linalg/matmul.inc.wgsl"
#include "linalg/matmul_store.inc.wgsl"

const WN: u32 = 8; // tunable; blocks of 4 columns a workgroup
const WK: u32 = 8; // tunable; parts of K; at least 4

const WG = WN * WK;
var<workgroup> parts: array<vec4f, WK * 4u * WN>; // [WK][4 rows][WN]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let tile = tileOf(wid.y * nwg.x + wid.x, 1u, 0u);
  if (tile.batch >= params.batch) { return; }
  // Neighbours read neighbours, along N or along K.
  let part = select(index / WN, index % WK, B_BY_K);
  let column = select(index % WN, index / WK, B_BY_K);
  let n = (tile.n * WN + column) * 4u;
  var sums: mat4x4f;
  if (n < params.n) {
    let end = i32(min((tile.split + 1u) * params.range, params.k));
    let begin = tile.split * params.range + part * 4u;
    var sourceA = linesA(tile.at.x, tile.m * 4u, begin);
    var sourceB = linesB(tile.at.y, begin, n);
    for (var k = i32(begin); k < end; k += i32(WK * 4u)) {
      sums = multiplyAdd(sums, headA(readA(sourceA), end - k), headB(readB(sourceB), end - k));
      sourceA += WK * stepA();
      sourceB += WK * stepB();
    }
  }
  let at = part * 4u * WN + column;
  parts[at] = sums[0];
  parts[at + WN] = sums[1];
  parts[at + 2u * WN] = sums[2];
  parts[at + 3u * WN] = sums[3];
  workgroupBarrier(); // the parts are complete
  if (index >= 4u * WN) { return; }
  var sum: vec4f;
  for (var p = 0u; p < WK; p++) { sum += parts[p * 4u * WN + index]; }
  finish(tile, tile.m * 4u + index / WN, (tile.n * WN + index % WN) * 4u, sum);
}
