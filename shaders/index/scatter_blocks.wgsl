// The sums that scatter_sorted.wgsl takes long stretches from: partial[o, b, i] = sum of dy over block b of the sorted order, where one
// place fills the block whole; other blocks are left unwritten, for nothing reads them. One invocation an element of partial.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Acc = f32; // dtype
alias Index = i32; // dtype
override WG: u32 = 256;
override SIGNED: bool = true;

struct Params { size: u32, length: u32, count: u32, inner: u32, rowed: u32, span: u32, blocks: u32 } // as in scatter_sorted.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;               // [outer, count, inner]
@group(0) @binding(2) var<storage, read> indices: array<Index>;       // [count], or [outer, count]
@group(0) @binding(3) var<storage, read> order: array<i32>;           // as indices
@group(0) @binding(4) var<storage, read_write> partial: array<Acc>;    // [outer, blocks, inner] = [size]

fn placeOf(at: u32) -> u32 {
  let place = u32(indices[at]);
  return select(place, place + params.length, SIGNED && place >= 0x80000000u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let i = at - row * params.inner;
  let o = row / params.blocks;
  let begin = (row - o * params.blocks) * params.span;
  let base = o * params.rowed * params.count;
  if (placeOf(base + u32(order[base + begin])) != placeOf(base + u32(order[base + begin + params.span - 1u]))) { return; }
  var sum = Acc();
  for (var k = begin; k < begin + params.span; k++) { sum += Acc(dy[(o * params.count + u32(order[base + k])) * params.inner + i]); }
  partial[at] = sum;
}
