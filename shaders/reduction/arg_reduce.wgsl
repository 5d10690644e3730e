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

var<workgroup> keys: array<u32, WG>;
var<workgroup> places: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let group = out / params.inner;
  let begin = (group % params.splits) * params.chunk;
  let first = firstOf((group / params.splits) * params.inner + out % params.inner, params.axis, params.inner);
  // Lanes past the last output stay for the barriers.
  let stop = select(0u, min(begin + params.chunk, params.axis), out < params.outputs);
  // A lane without an element holds the lowest key at a place past all others.
  var best = 0u;
  var place = 0xffffffffu;
  for (var j = begin + lane; j < stop; j += LANES) {
    let key = orderKey(x[first + j * params.inner]);
    if (key > best || place == 0xffffffffu) {
      best = key;
      place = j;
    }
  }
  if (LANES > 1u) {
    keys[lid] = best;
    places[lid] = place;
    for (var s = LANES / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      let other = lid + ahead(s);
      if (lane < s && (keys[other] > keys[lid] || (keys[other] == keys[lid] && places[other] < places[lid]))) {
        keys[lid] = keys[other];
        places[lid] = places[other];
      }
    }
    place = places[lid];
  }
  if (lane > 0u || out >= params.outputs) { return; }
  y[out] = x[first + place * params.inner];
  index[out] = i32(place);
}
