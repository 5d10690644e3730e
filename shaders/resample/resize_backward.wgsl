// dx of `resize`: each element sums dy times its weight over the outputs that may read it, a range of each axis; four elements an invocation.
// flops: 2 * outer * cells * inner
#include "lib/resize.inc.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<Scalar>;       // [outer, D', H', W', inner]
@group(0) @binding(2) var<storage, read_write> dx: array<Scalar>; // [outer, D, H, W, inner]

// The outputs, of m, that may read elements i of an axis: from `low` to `high`, one too many on either side, for what rounding does.
struct Range { low: vec4u, high: vec4u }

fn readersOf(i: vec4u, m: vec4u, inverse: vec4f) -> Range {
  let begin = (vec4f(i) - f32(LINEAR) + params.shift) * inverse - params.centre;
  let end = (vec4f(i) + 1.0 + params.shift) * inverse - params.centre;
  return Range(vec4u(max(floor(begin), vec4f())), min(vec4u(max(floor(end) + 2.0, vec4f())), m));
}

// The weight of elements i in an output.
fn weightOf(i: vec4u, taps: Taps) -> vec4f {
  return select(vec4f(), 1.0 - taps.weight, taps.low == i) + select(vec4f(), taps.weight, taps.high == i);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let n = params.x.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), n);
  if (place.outer >= params.outer) { return; }
  let m = params.y.xyz;
  let own = vec4u(place.d, place.h, place.h, place.h);
  let columns = place.w + laneW();
  let byDH = readersOf(own, params.y.xyyy, params.inverse.xyyy);
  let byW = readersOf(columns, params.y.zzzz, params.inverse.zzzz);
  let inner = place.inner + laneInner();
  var sum = vec4f();
  for (var a = byDH.low.x; a < byDH.high.x; a++) {
    for (var b = byDH.low.y; b < byDH.high.y; b++) {
      let weights = weightOf(own, tapsAt(vec4u(a, b, b, b), params.x.xyyy, params.step.xyyy));
      let weight = weights.x * weights.y;
      if (weight == 0.0) { continue; }
      let row = ((place.outer * m.x + a) * m.y + b) * m.z;
      var part = vec4f();
      for (var c = byW.low.x; c < byW.high.w; c++) {
        let o = (row + c) * params.inner + inner;
        var slope = vec4f(f32(dy[o.x]));
        if (INNER) { slope = vec4f(slope.x, f32(dy[o.y]), f32(dy[o.z]), f32(dy[o.w])); }
        part += slope * weightOf(columns, tapsAt(vec4u(c), params.x.zzzz, params.step.zzzz));
      }
      sum += weight * part;
    }
  }
  let to = indexOf(place, n);
  let lanes = lanesOf(place, n);
  dx[to] = Scalar(sum.x);
  if (lanes > 1u) { dx[to + 1u] = Scalar(sum.y); }
  if (lanes > 2u) { dx[to + 2u] = Scalar(sum.z); }
  if (lanes > 3u) { dx[to + 3u] = Scalar(sum.w); }
}
