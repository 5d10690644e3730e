// scatter_sorted.wgsl in units of four elements along the inner axis.
// flops: 4 * size / length * count
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
alias Acc = f32; // dtype
override WG: u32 = 256;
override BASE: bool = false;
override BLOCKED: bool = false;

// Rowed: 1 where each o has indices of its own.
struct Params { size: u32, length: u32, count: u32, inner: u32, rowed: u32, span: u32, blocks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<Scalar>>;           // [outer, count, inner]
@group(0) @binding(2) var<storage, read> order: array<i32>;       // [count], or [outer, count]
@group(0) @binding(3) var<storage, read> starts: array<u32>;      // [length + 1], or [outer, length + 1]
@group(0) @binding(4) var<storage, read> partial: array<vec4<Acc>>;      // [outer, blocks, inner]: sums of span elements of the order
@group(0) @binding(5) var<storage, read> base: array<vec4<Scalar>>;         // [outer, length, inner]
@group(0) @binding(6) var<storage, read_write> y: array<vec4<Scalar>>;      // [outer, length, inner] = [size]

fn stretch(begin: u32, end: u32, o: u32, i: u32, before: vec4<Acc>) -> vec4<Acc> {
  var sum = before;
  for (var k = begin; k < end; k++) {
    let j = u32(order[o * params.rowed * params.count + k]);
    sum += vec4<Acc>(dy[(o * params.count + j) * params.inner + i]);
  }
  return sum;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let i = at - row * params.inner;
  let o = row / params.length;
  let s = o * params.rowed * (params.length + 1u) + row - o * params.length;
  let begin = starts[s];
  let end = starts[s + 1u];
  var sum = vec4<Acc>();
  if (BASE) { sum = vec4<Acc>(base[at]); }
  let firstBlock = (begin + params.span - 1u) / params.span;
  let lastBlock = end / params.span;
  if (BLOCKED && firstBlock < lastBlock) {
    sum = stretch(begin, firstBlock * params.span, o, i, sum);
    for (var b = firstBlock; b < lastBlock; b++) { sum += partial[(o * params.blocks + b) * params.inner + i]; }
    sum = stretch(lastBlock * params.span, end, o, i, sum);
  } else {
    sum = stretch(begin, end, o, i, sum);
  }
  y[at] = vec4<Scalar>(sum);
}
