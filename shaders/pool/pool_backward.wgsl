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

override SEVERAL = APART && !INNER; // whether lanes are held by other windows each

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

// The elements of an array at four places, which are one and the same where the lanes are neighbours along W.
fn slopes(o: vec4u) -> vec4f {
  if (INNER || APART) { return vec4f(f32(dy[o.x]), f32(dy[o.y]), f32(dy[o.z]), f32(dy[o.w])); }
  return vec4f(f32(dy[o.x]));
}
fn choices(o: vec4u) -> vec4i {
  if (INNER || APART) { return vec4i(indices[o.x], indices[o.y], indices[o.z], indices[o.w]); }
  return vec4i(indices[o.x]);
}

fn more(c: vec4u, last: vec4u) -> bool {
  if (SEVERAL) { return any(c < last); }
  return c.x < last.x;
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
  // The windows along W that hold a lane: those of each where they lie apart; else all that hold any of them.
  var first = vec4u(firstWith(columns.x, axisW()));
  var last = vec4u(endWith(columns.w, axisW()));
  if (SEVERAL) {
    first = vec4u(first.x, firstWith(columns.y, axisW()), firstWith(columns.z, axisW()), firstWith(columns.w, axisW()));
    last = vec4u(endWith(columns.x, axisW()), endWith(columns.y, axisW()), endWith(columns.z, axisW()), last.w);
  }
  let own = vec4i((place.d * n.y + place.h) * n.z + columns);
  let along = laneInner();
  var sum = vec4f();
  for (var a = firstWith(place.d, axisD()); a < endWith(place.d, axisD()); a++) {
    let wd = windowAt(a, axisD());
    if (OP != MAX && !holds(wd, place.d, axisD())) { continue; }
    for (var b = firstWith(place.h, axisH()); b < lastH; b++) {
      let wh = windowAt(b, axisH());
      if (OP != MAX && !holds(wh, place.h, axisH())) { continue; }
      let row = ((place.outer * m.x + a) * m.y + b) * m.z;
      for (var c = first; more(c, last); c += vec4u(1u)) {
        let o = (row + c) * params.inner + place.inner + along;
        var slope = slopes(o);
        if (OP == MAX) {
          var chosen = choices(o) == own;
          if (SEVERAL) { chosen = chosen & (c < last); }
          sum += select(vec4f(), slope, chosen);
          continue;
        }
        let w = windowAt(c.x, axisW());
        if (OP == LP) {
          sum += select(vec4f(), throughNorm(to + lanes(), o, slope), holds4(w, columns, axisW()));
          continue;
        }
        let rows = wd.counted * wh.counted;
        if (SEVERAL) {
          // Each lane's own windows, which hold all between their ends.
          var counted = vec4u(w.counted);
          if (PADDED) { counted = vec4u(w.counted, windowAt(c.y, axisW()).counted, windowAt(c.z, axisW()).counted, windowAt(c.w, axisW()).counted); }
          counted *= rows;
          slope /= vec4f(divisorOf(counted.x), divisorOf(counted.y), divisorOf(counted.z), divisorOf(counted.w));
          sum += select(vec4f(), slope, c < last);
        } else {
          sum += select(vec4f(), slope / divisorOf(rows * w.counted), holds4(w, columns, axisW()));
        }
      }
    }
  }
  let count = lanesOf(place, n);
  let at = to + lanes();
  dx[at.x] = Scalar(sum.x);
  if (count > 1u) { dx[at.y] = Scalar(sum.y); }
  if (count > 2u) { dx[at.z] = Scalar(sum.z); }
  if (count > 3u) { dx[at.w] = Scalar(sum.w); }
}
