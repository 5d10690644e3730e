// softmax.wgsl for contiguous rows of a multiple of 4 elements, four at a time.
// flops: 16 * rows * quads
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;
override TEMPERED: bool = false; // these two as in lib/softmax_input.inc.wgsl
override MASK: bool = false;

struct Params {
  rows: u32, quads: u32,
  scale: f32, maskStep: u32, offset: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2>, // the mask's loops over rows, innermost first
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;       // [rows, quads]
@group(0) @binding(2) var<storage, read> mask: array<u32>;             // bool, four to a word; read with MASK
@group(0) @binding(3) var<storage, read_write> y: array<vec4<Scalar>>; // as x

// The quad at at.x of x, whose mask is at at.y: one element for all four, or (maskStep 1) a word of them, since its rows are as long as those of x.
fn load(at: vec2u) -> vec4f {
  var v = vec4f(x[at.x]);
  if (TEMPERED) { v = select(v * params.scale, v, v <= vec4f(-3.3e38)); }
  if (!MASK) { return v; }
  let word = mask[at.y / 4u];
  let attended = select(vec4u(word >> (8u * (at.y % 4u))), vec4u(word, word >> 8u, word >> 16u, word >> 24u), params.maskStep == 1u) & vec4u(0xffu);
  return select(v, vec4f(-3.4e38), attended == vec4u(0u));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * vec2u(1u, 4u * params.maskStep);
  var start = vec2u(row * params.quads + lane, 0u);
  if (MASK) { start.y = stridedIndex(row) + 4u * lane * params.maskStep; }
  // Lanes past the last row stay for the barriers.
  let end = select(0u, (row + 1u) * params.quads, row < params.rows);
  var pair = vec2f(FLOOR, 0.0);
  for (var at = start; at.x < end; at += step) { pair = fold4(pair, load(at)); }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  for (var at = start; at.x < end; at += step) {
    let v = load(at) - pair.x;
    if (LOG) { y[at.x] = vec4<Scalar>(v - logS); } else { y[at.x] = vec4<Scalar>(exp(v) * scale); }
  }
}
