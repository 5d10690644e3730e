// The best of the chunks' best: y and its index along the axis, the first of equals. One invocation an output.
#include "lib/index.inc.wgsl"
#include "lib/order.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

struct Params { outputs: u32, inner: u32, splits: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<Scalar>;   // [outer, splits, inner]
@group(0) @binding(2) var<storage, read> places: array<i32>;      // as values
@group(0) @binding(3) var<storage, read_write> y: array<Scalar>;  // [outer, inner]; outputs of them
@group(0) @binding(4) var<storage, read_write> index: array<i32>; // as y

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = linearIndex(wid, nwg, lid, WG);
  if (out >= params.outputs) { return; }
  let first = (out / params.inner) * params.splits * params.inner + out % params.inner;
  var best = first;
  var bestKey = orderKey(values[first]);
  for (var k = 1u; k < params.splits; k++) {
    let at = first + k * params.inner;
    let key = orderKey(values[at]);
    if (key > bestKey) {
      best = at;
      bestKey = key;
    }
  }
  y[out] = values[best];
  index[out] = places[best];
}
