// Where the indices for each place begin in their sorted order: starts[r, a] = how many of row r lie before place a; the last entry counts
// all that are in range. Bisection, one invocation an entry.
#include "lib/index.inc.wgsl"

alias Index = i32; // dtype
override WG: u32 = 256;
override SIGNED: bool = true;

struct Params { size: u32, count: u32, length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<Index>;       // [rows, count]
@group(0) @binding(2) var<storage, read> order: array<i32>;           // [rows, count]
@group(0) @binding(3) var<storage, read_write> starts: array<u32>;    // [rows, length + 1] = [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / (params.length + 1u);
  let a = at - row * (params.length + 1u);
  let base = row * params.count;
  var lo = 0u;
  var hi = params.count;
  while (lo < hi) {
    let mid = (lo + hi) / 2u;
    var place = u32(indices[base + u32(order[base + mid])]);
    if (SIGNED && place >= 0x80000000u) { place += params.length; }
    if (place < a) { lo = mid + 1u; } else { hi = mid; }
  }
  starts[at] = lo;
}
