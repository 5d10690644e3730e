// Sorts short rows along an axis by counting: an element's rank is how many come before it (by key, then by place, so that the sort is
// stable); values[o, rank, i] = x[o, j, i] and order[o, rank, i] = j where rank < keep. One invocation an element, n loads each, no barrier.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
#include "lib/sort_key.inc.wgsl"
override WG: u32 = 64;

struct Params { size: u32, n: u32, inner: u32, keep: u32, length: u32, kind: u32, mask: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;             // [outer, n, inner] = [size]
@group(0) @binding(2) var<storage, read_write> values: array<Scalar>;  // [outer, keep, inner]
@group(0) @binding(3) var<storage, read_write> order: array<i32>;      // [outer, keep, inner]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let i = at - row * params.inner;
  let o = row / params.n;
  let j = row - o * params.n;
  let base = o * params.n * params.inner + i;
  let key = sortKey(x[at]);
  var rank = 0u;
  for (var k = 0u; k < j; k++) { rank += select(0u, 1u, sortKey(x[base + k * params.inner]) <= key); }
  for (var k = j + 1u; k < params.n; k++) { rank += select(0u, 1u, sortKey(x[base + k * params.inner]) < key); }
  if (rank >= params.keep) { return; }
  let to = (o * params.keep + rank) * params.inner + i;
  values[to] = x[at];
  order[to] = i32(j);
}
