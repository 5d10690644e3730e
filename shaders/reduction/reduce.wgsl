// y[o, k, i] = scale * sum or product of x[o, j, i] over the k-th chunk of j. One chunk is the whole reduction; with more, a second
// run over y adds them up. Each invocation sums blocks of 64 elements and then the blocks, and the lanes are summed as a tree, so that the error
// of a sum grows with about the cube root of its length. Accumulators are f32 or u32 kept as bits: one file serves floats and integers.
#include "lib/lanes.inc.wgsl"

alias Scalar = f32; // dtype
alias Result = f32; // dtype
override OP: u32 = 0;
const SUM = 0u; // op
const PROD = 1u; // op
const SUM_INT = 2u; // op
const PROD_INT = 3u; // op
const UNROLL = 16u;

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;       // [outer, axis, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Result>; // [outer, splits, inner]; outputs of them

var<workgroup> shared_acc: array<u32, WG>;

fn identity() -> u32 {
  switch (OP) {
    case PROD: { return bitcast<u32>(1.0); }
    case PROD_INT: { return 1u; }
    default: { return 0u; }
  }
}

fn combine(a: u32, b: u32) -> u32 {
  switch (OP) {
    case SUM: { return bitcast<u32>(bitcast<f32>(a) + bitcast<f32>(b)); }
    case PROD: { return bitcast<u32>(bitcast<f32>(a) * bitcast<f32>(b)); }
    case SUM_INT: { return a + b; }
    default: { return a * b; }
  }
}

fn combine4(a: vec4u, b: vec4u) -> vec4u {
  switch (OP) {
    case SUM: { return bitcast<vec4u>(bitcast<vec4f>(a) + bitcast<vec4f>(b)); }
    case PROD: { return bitcast<vec4u>(bitcast<vec4f>(a) * bitcast<vec4f>(b)); }
    case SUM_INT: { return a + b; }
    default: { return a * b; }
  }
}

fn load(i: u32) -> u32 {
  if (OP <= PROD) { return bitcast<u32>(f32(x[i])); }
  return u32(x[i]);
}

// The elements lane, lane + LANES, ... of the n that start at `first`.
fn reduceLane(first: u32, n: u32, lane: u32) -> u32 {
  let step = LANES * params.inner;
  var at = first + lane * params.inner;
  let count = (n + LANES - 1u - lane) / LANES;
  var total = vec4u(identity());
  var left = count / 4u;
  while (left > 0u) {
    var part = vec4u(identity());
    let run = min(left, UNROLL);
    for (var k = 0u; k < run; k++) {
      part = combine4(part, vec4u(load(at), load(at + step), load(at + 2u * step), load(at + 3u * step)));
      at += 4u * step;
    }
    total = combine4(total, part);
    left -= run;
  }
  for (var k = 0u; k < count % 4u; k++) {
    total.x = combine(total.x, load(at));
    at += step;
  }
  return combine(combine(total.x, total.z), combine(total.y, total.w));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let group = out / params.inner;
  let begin = (group % params.splits) * params.chunk;
  // Lanes past the last output stay for the barriers, with nothing to add.
  let n = select(0u, min(params.chunk, params.axis - min(begin, params.axis)), out < params.outputs);
  let first = ((group / params.splits) * params.axis + begin) * params.inner + out % params.inner;
  var acc = reduceLane(first, n, min(lane, n));
  if (LANES > 1u) {
    shared_acc[lid] = acc;
    for (var s = LANES / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lane < s) { shared_acc[lid] = combine(shared_acc[lid], shared_acc[lid + ahead(s)]); }
    }
    acc = shared_acc[lid];
  }
  if (lane > 0u || out >= params.outputs) { return; }
  if (OP <= PROD) { y[out] = Result(bitcast<f32>(acc) * params.scale); } else { y[out] = Result(acc); }
}
