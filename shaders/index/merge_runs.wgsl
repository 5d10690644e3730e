// One pass of a stable merge sort: sorted runs of length `run` become runs twice as long. An element's new place is its own in its run plus
// the number of elements before it in the neighbouring run, found by bisection. One invocation an element.
#include "lib/index.inc.wgsl"

override WG: u32 = 256;

struct Params { size: u32, n: u32, run: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keysIn: array<u32>;      // [rows, n] = [size]
@group(0) @binding(2) var<storage, read> orderIn: array<i32>;     // [rows, n]
@group(0) @binding(3) var<storage, read_write> keys: array<u32>;  // [rows, n]
@group(0) @binding(4) var<storage, read_write> order: array<i32>; // [rows, n]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.n * params.n;
  let j = at - row;
  let left = j / (2u * params.run) * (2u * params.run);
  let middle = min(left + params.run, params.n);
  let isLeft = j < middle;
  let key = keysIn[at];
  var lo = select(left, middle, isLeft);
  var hi = select(middle, min(left + 2u * params.run, params.n), isLeft);
  let first = lo;
  while (lo < hi) {
    let mid = (lo + hi) / 2u;
    let other = keysIn[row + mid];
    // Of equal elements those of the left run come first.
    if (other < key || (other == key && !isLeft)) { lo = mid + 1u; } else { hi = mid; }
  }
  let to = row + select(left + j - middle, j, isLeft) + lo - first;
  keys[to] = key;
  order[to] = orderIn[at];
}
