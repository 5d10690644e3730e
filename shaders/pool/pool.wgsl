// y = max, average or (sum |x|^p)^(1/p) over windows of x, four an invocation, and for max the index of the chosen element in its plane [D, H, W].
// Of equal ones the first is chosen; of NaNs, which win, the last, as in PyTorch. A window with nothing in it gives -inf and no index, or 0.
// flops: outer * cells * inner * taps
#include "lib/pool.inc.wgsl"
#include "lib/power.inc.wgsl"

override INDICES: bool = false;

@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, D, H, W, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;     // [outer, D', H', W', inner]
@group(0) @binding(3) var<storage, read_write> indices: array<i32>;  // the same with INDICES; else of one element

fn isNan4(v: vec4f) -> vec4<bool> { return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u); }
// In loops, for compilers that inline all they see.
fn powers(v: vec4f, p: f32) -> vec4f {
  var u = v;
  for (var i = 0u; i < 4u; i++) { u[i] = power(u[i], p); }
  return u;
}

fn put(i: u32, value: f32, index: i32) {
  y[i] = Scalar(value);
  if (INDICES) { indices[i] = index; }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let m = params.y.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), m);
  if (place.outer >= params.outer) { return; }
  let n = params.x.xyz;
  let step = stepOf();
  let wd = windowAt(place.d, axisD());
  let wh = windowAt(place.h, axisH());
  let columns = place.w + laneW();
  let w0 = windowAt(columns.x, axisW());
  let w1 = windowAt(columns.y, axisW());
  let w2 = windowAt(columns.z, axisW());
  let w3 = windowAt(columns.w, axisW());
  let start = vec4u(vec4i(w0.start, w1.start, w2.start, w3.start)); // those before 0 become large, and so are not inside
  let end = vec4u(w0.end, w1.end, w2.end, w3.end);
  let taps = select(params.kernel.z, max(max(end.x, end.y), max(end.z, end.w)), ADAPTIVE);
  let inner = (place.outer * n.x * n.y * n.z) * params.inner + place.inner + laneInner();
  var best = vec4f(infinityFrom(-1.0));
  var nan = vec4<bool>();
  var chosen = vec4i(-1);
  var sum = vec4f();
  for (var a = wd.first; a < wd.end; a++) {
    for (var b = wh.first; b < wh.end; b++) {
      let row = (u32(wd.start + i32(a * step.x)) * n.y + u32(wh.start + i32(b * step.y))) * n.z;
      var column = start;
      for (var c = 0u; c < taps; c++) {
        var inside = column < vec4u(n.z);
        if (ADAPTIVE) { inside = vec4u(c) < end; }
        let at = inner + (row + column) * params.inner;
        let value = vec4f(f32(x[at.x]), f32(x[at.y]), f32(x[at.z]), f32(x[at.w]));
        // NaN by its bits: compilers may assume that none occurs.
        if (OP == MAX && INDICES) {
          let wins = inside & ((chosen < vec4i()) | isNan4(value) | ((value > best) & !nan));
          best = select(best, value, wins);
          nan |= inside & isNan4(value);
          chosen = select(chosen, vec4i(row + column), wins);
        } else if (OP == MAX) {
          best = select(best, max(best, value), inside);
          nan |= inside & isNan4(value);
        } else if (OP == AVERAGE) {
          sum += select(vec4f(), value, inside);
        } else {
          sum += select(vec4f(), powers(abs(value), params.p), inside);
        }
        column += step.z;
      }
    }
  }
  if (OP == MAX) { best = select(best, vec4f(nanFrom(1.0)), nan); }
  if (OP == LP) { best = powers(sum, 1.0 / params.p); }
  if (OP == AVERAGE) {
    let rows = wd.counted * wh.counted;
    let divisor = vec4f(divisorOf(rows * w0.counted), divisorOf(rows * w1.counted), divisorOf(rows * w2.counted), divisorOf(rows * w3.counted));
    let vacant = vec4<bool>(w0.first >= w0.end, w1.first >= w1.end, w2.first >= w2.end, w3.first >= w3.end) | vec4<bool>(wd.first >= wd.end || wh.first >= wh.end);
    best = select(sum / divisor, vec4f(), vacant);
  }
  let to = indexOf(place, m);
  let lanes = lanesOf(place, m);
  put(to, best.x, chosen.x);
  if (lanes > 1u) { put(to + 1u, best.y, chosen.y); }
  if (lanes > 2u) { put(to + 2u, best.z, chosen.z); }
  if (lanes > 3u) { put(to + 3u, best.w, chosen.w); }
}
