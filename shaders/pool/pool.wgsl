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

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let m = params.y.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), m);
  if (place.outer >= params.outer) { return; }
  let n = params.x.xyz;
  let step = stepOf();
  let dh = windowsAt(vec4u(place.d, place.h, 0u, 0u), axesDH());
  let w = windowsAt(place.w + laneW(), axesW());
  let plane = place.outer * n.x * n.y * n.z;
  let inner = place.inner + laneInner();
  let taps = max(max(w.end.x, w.end.y), max(w.end.z, w.end.w));
  var best = vec4f(infinityFrom(-1.0));
  var chosen = vec4i(-1);
  var sum = vec4f();
  for (var a = dh.first.x; a < dh.end.x; a++) {
    for (var b = dh.first.y; b < dh.end.y; b++) {
      let row = (u32(dh.start.x + i32(a * step.x)) * n.y + u32(dh.start.y + i32(b * step.y))) * n.z;
      for (var c = 0u; c < taps; c++) {
        let inside = (vec4u(c) >= w.first) & (vec4u(c) < w.end);
        let cell = row + select(vec4u(), vec4u(w.start + i32(c * step.z)), inside);
        let at = (plane + cell) * params.inner + inner;
        let value = vec4f(f32(x[at.x]), f32(x[at.y]), f32(x[at.z]), f32(x[at.w]));
        if (OP == MAX) {
          // By the bits: compilers may assume that no NaN occurs.
          let wins = inside & ((chosen < vec4i()) | isNan4(value) | ((value > best) & !isNan4(best)));
          best = select(best, value, wins);
          chosen = select(chosen, vec4i(cell), wins);
        } else if (OP == AVERAGE) {
          sum += select(vec4f(), value, inside);
        } else {
          sum += select(vec4f(), powers(abs(value), params.p), inside);
        }
      }
    }
  }
  let counted = dh.counted.x * dh.counted.y * w.counted;
  let vacant = (w.first >= w.end) | vec4<bool>(any(dh.first.xy >= dh.end.xy));
  if (OP == AVERAGE) { best = select(sum / divisorOf(counted), vec4f(), vacant); }
  if (OP == LP) { best = powers(sum, 1.0 / params.p); }
  let to = indexOf(place, m);
  for (var i = 0u; i < min(4u, lanesOf(place, m)); i++) {
    y[to + i] = Scalar(best[i]);
    if (INDICES) { indices[to + i] = chosen[i]; }
  }
}
