// y[o, d, i] = on where indices[o, i] is d, else off; a negative index counts from the end. One invocation an element of y.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Index = i32; // dtype
override WG: u32 = 256;
override SIGNED: bool = true;
override WHOLE: bool = false; // the values are those in whole: integers that f32 cannot hold

struct Params { size: u32, depth: u32, inner: u32, on: f32, off: f32, onWhole: i32, offWhole: i32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<Index>;   // [outer, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;  // [outer, depth, inner] = [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let o = row / params.depth;
  var index = u32(indices[o * params.inner + at - row * params.inner]);
  if (SIGNED && index >= 0x80000000u) { index += params.depth; }
  let hit = index == row - o * params.depth;
  if (WHOLE) { y[at] = Scalar(select(params.offWhole, params.onWhole, hit)); } else { y[at] = Scalar(select(params.off, params.on, hit)); }
}
