// softmax.wgsl for contiguous rows of a multiple of 4 elements, four at a time.
// flops: 16 * rows * quads
// bytes: x + MASK * mask + y
#include "lib/lanes.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/online.inc.wgsl"
#include "lib/strided.inc.wgsl"
#include "lib/softmax_held.inc.wgsl"

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

// Quad `at` of x, whose mask is at `seen`: one element for all four, or (maskStep 1) a word of them, since its rows are as long as those of x.
fn load(at: u32, seen: u32) -> vec4f {
  var v = vec4f(x[at]);
  if (TEMPERED) { v = select(v * params.scale, v, v <= vec4f(-3.3e38)); }
  if (!MASK) { return v; }
  let word = mask[seen / 4u];
  let attended = select(vec4u(word >> (8u * (seen % 4u))), vec4u(word, word >> 8u, word >> 16u, word >> 24u), params.maskStep == 1u) & vec4u(0xffu);
  return select(v, vec4f(-3.4e38), attended == vec4u(0u));
}

fn load4(own: Lane, k: u32) -> vec4f {
  let at = own.at + k * LANES;
  if (at < own.end) { return load(at, own.seen + 4u * k * LANES * params.maskStep); }
  return vec4f(-3.4e38);
}

fn store4(own: Lane, k: u32, v: vec4f) {
  let at = own.at + k * LANES;
  if (at < own.end) { y[at] = vec4<Scalar>(v); }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  // Lanes past the last row stay for the barriers.
  var own = Lane(row * params.quads + lane, select(0u, (row + 1u) * params.quads, row < params.rows), 0u);
  if (MASK) { own.seen = stridedIndex(row) + 4u * lane * params.maskStep; }
  if (HELD > 0u) {
    softmaxHeld(own, lid, lane);
    return;
  }
  let stride = 4u * LANES * params.maskStep;
  var pair = vec2f(FLOOR, 0.0);
  var seen = own.seen;
  for (var at = own.at; at < own.end; at += LANES) {
    pair = fold4(pair, load(at, seen));
    seen += stride;
  }
  pair = mergeLanes(pair, lid, lane);
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  seen = own.seen;
  for (var at = own.at; at < own.end; at += LANES) {
    y[at] = vec4<Scalar>(softmax4(load(at, seen) - pair.x, scale, logS));
    seen += stride;
  }
}
