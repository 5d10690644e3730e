// y = x between its elements: along each axis x[low] (1 - weight) + x[high] weight (LINEAR), or the nearest element; four outputs an invocation.
// flops: 3 * outer * cells * inner
#include "lib/resize.inc.wgsl"

@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, D, H, W, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;  // [outer, D', H', W', inner]

fn load(i: vec4u) -> vec4f { return vec4f(f32(x[i.x]), f32(x[i.y]), f32(x[i.z]), f32(x[i.w])); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let m = params.y.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), m);
  if (place.outer >= params.outer) { return; }
  let n = params.x.xyz;
  let dh = tapsAt(vec4u(place.d, place.h, place.h, place.h), params.x.xyyy, params.step.xyyy);
  let w = tapsAt(place.w + laneW(), params.x.zzzz, params.step.zzzz);
  let inner = place.inner + laneInner();
  // A second element of weight 0 is not read.
  let ends = select(vec2u(1u), vec2u(2u), dh.weight.xy > vec2f());
  let second = w.weight > vec4f();
  var sum = vec4f();
  for (var a = 0u; a < ends.x; a++) {
    let d = select(dh.low.x, dh.high.x, a > 0u);
    let byD = select(1.0 - dh.weight.x, dh.weight.x, a > 0u);
    for (var b = 0u; b < ends.y; b++) {
      let h = select(dh.low.y, dh.high.y, b > 0u);
      let byH = select(1.0 - dh.weight.y, dh.weight.y, b > 0u);
      let row = ((place.outer * n.x + d) * n.y + h) * n.z;
      var value = load((row + w.low) * params.inner + inner);
      if (any(second)) {
        let next = load((row + w.high) * params.inner + inner);
        value = select(value, value * (1.0 - w.weight) + next * w.weight, second);
      }
      sum += byD * byH * value;
    }
  }
  let to = indexOf(place, m);
  let lanes = lanesOf(place, m);
  y[to] = Scalar(sum.x);
  if (lanes > 1u) { y[to + 1u] = Scalar(sum.y); }
  if (lanes > 2u) { y[to + 2u] = Scalar(sum.z); }
  if (lanes > 3u) { y[to + 3u] = Scalar(sum.w); }
}
