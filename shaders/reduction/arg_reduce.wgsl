// The largest (or, with MIN, smallest) element of each chunk of a row and its place: the first of equals, and NaN above all. Elements are compared
// as u32 keys of the same order, made of their bits, since WGSL compilers may take NaN and infinities for impossible. Along the middle axis of
// [outer, axis, inner]; LANES invocations share an output; arg_reduce_merge.wgsl follows where there is more than one chunk.
#include "lib/lanes.inc.wgsl"
#include "lib/order.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;         // [outer, axis, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;   // [outer, splits, inner]; outputs of them
@group(0) @binding(3) var<storage, read_write> index: array<i32>;  // as y: places along axis

const NOWHERE = 0xffffffffu;
struct Best { key: u32, place: u32 }
var<workgroup> lanes: array<Best, WG>;

fn better(a: Best, b: Best) -> Best {
  if (b.key > a.key || (b.key == a.key && b.place < a.place)) { return b; }
  return a;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let step = LANES * params.inner;
  var at = mine.first + (mine.begin + lane) * params.inner;
  var j = mine.begin + lane;
  // The lowest key, 0, is never above the best: where there is no other the place stays NOWHERE.
  var bests = vec4u(0u);
  var places = vec4u(NOWHERE);
  for (; j + 3u * LANES < mine.stop; j += 4u * LANES) {
    let found = orderKeys(vec4<Scalar>(x[at], x[at + step], x[at + 2u * step], x[at + 3u * step]));
    let above = found > bests;
    bests = select(bests, found, above);
    places = select(places, vec4u(j, j + LANES, j + 2u * LANES, j + 3u * LANES), above);
    at += 4u * step;
  }
  for (; j < mine.stop; j += LANES) {
    let found = orderKey(x[at]);
    if (found > bests.x) {
      bests.x = found;
      places.x = j;
    }
    at += step;
  }
  var best = Best(bests.x, places.x);
  for (var c = 1u; c < 4u; c++) { best = better(best, Best(bests[c], places[c])); }
  if (LANES > 1u) {
    lanes[lid] = best;
    for (var s = LANES / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lane < s) { lanes[lid] = better(lanes[lid], lanes[lid + ahead(s)]); }
    }
    best = lanes[lid];
  }
  if (lane > 0u || out >= params.outputs) { return; }
  let place = select(best.place, mine.begin, best.place == NOWHERE);
  y[out] = x[mine.first + place * params.inner];
  index[out] = i32(place);
}
