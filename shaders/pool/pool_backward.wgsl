// dx: each element gathers from the windows that hold it: dy of those that chose it (max), dy over the divisor (average), dy |x|^(p-1) sign(x) y^(1-p).
// Four elements an invocation.
// flops: 2 * outer * cells * inner * taps
#include "lib/pool.inc.wgsl"
#include "lib/power.inc.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<Scalar>;          // [outer, D', H', W', inner]
@group(0) @binding(2) var<storage, read> indices: array<i32>;        // the same, for max
@group(0) @binding(3) var<storage, read> x: array<Scalar>;           // [outer, D, H, W, inner], for LP
@group(0) @binding(4) var<storage, read> y: array<Scalar>;           // as dy, for LP
@group(0) @binding(5) var<storage, read_write> dx: array<Scalar>;    // as x

// dy |x|^(p-1) sign(x) y^(1-p), 0 where all of a window are 0, as for a norm.
fn throughNorm(i: vec4u, o: vec4u, slope: vec4f) -> vec4f {
  var d = slope;
  for (var j = 0u; j < 4u; j++) {
    let value = f32(x[i[j]]);
    let norm = f32(y[o[j]]);
    d[j] *= select(power(abs(value) / norm, params.p - 1.0), 0.0, norm == 0.0) * sign(value);
  }
  return d;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let n = params.x.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), n);
  if (place.outer >= params.outer) { return; }
  let m = params.y.xyz;
  let to = indexOf(place, n);
  let columns = place.w + laneW();
  let lastH = endWith(place.h, axisH());
  let lastW = endWith(columns.w, axisW());
  let own = vec4i((place.d * n.y + place.h) * n.z + columns);
  let lanes = laneInner();
  var sum = vec4f();
  for (var a = firstWith(place.d, axisD()); a < endWith(place.d, axisD()); a++) {
    let wd = windowAt(a, axisD());
    if (OP != MAX && !holds(wd, place.d, axisD())) { continue; }
    for (var b = firstWith(place.h, axisH()); b < lastH; b++) {
      let wh = windowAt(b, axisH());
      if (OP != MAX && !holds(wh, place.h, axisH())) { continue; }
      let row = ((place.outer * m.x + a) * m.y + b) * m.z;
      for (var c = firstWith(columns.x, axisW()); c < lastW; c++) {
        let o = (row + c) * params.inner + place.inner + lanes;
        var slope = vec4f(f32(dy[o.x]));
        if (INNER) { slope = vec4f(slope.x, f32(dy[o.y]), f32(dy[o.z]), f32(dy[o.w])); }
        if (OP == MAX) {
          var chosen = vec4i(indices[o.x]);
          if (INNER) { chosen = vec4i(chosen.x, indices[o.y], indices[o.z], indices[o.w]); }
          sum += select(vec4f(), slope, chosen == own);
          continue;
        }
        let w = windowAt(c, axisW());
        let held = holds4(w, columns, axisW());
        if (OP == AVERAGE) {
          sum += select(vec4f(), slope / divisorOf(wd.counted * wh.counted * w.counted), held);
        } else {
          sum += select(vec4f(), throughNorm(to + LANES, o, slope), held);
        }
      }
    }
  }
  let count = lanesOf(place, n);
  dx[to] = Scalar(sum.x);
  if (count > 1u) { dx[to + 1u] = Scalar(sum.y); }
  if (count > 2u) { dx[to + 2u] = Scalar(sum.z); }
  if (count > 3u) { dx[to + 3u] = Scalar(sum.w); }
}
