// y = max, average or (sum |x|^p)^(1/p) over windows of x, four an invocation, and for max the index of the chosen element in its plane [D, H, W].
// Of equal ones the first is chosen; of NaNs, which win, the last, as in PyTorch. A window with nothing in it gives -inf and no index, or 0.
// flops: outer * cells * inner * taps
#include "lib/pool.inc.wgsl"
#include "lib/power.inc.wgsl"

override INDICES: bool = false;
// A loop costs more than what is in it on a CPU, so that short windows are written out.
override ROWS: u32 = 0; // of a window where those are 2 or 3
override TAPS: u32 = 0; // of its rows where those are 2 or 3; needed by ROWS
override STEP: u32 = 0; // the stride along W in taps where that is 1 or 2 and not APART: an element that neighbours share is then loaded once

@group(0) @binding(1) var<storage, read> x: array<Scalar>;           // [outer, D, H, W, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;     // [outer, D', H', W', inner]
@group(0) @binding(3) var<storage, read_write> indices: array<i32>;  // the same with INDICES; else of one element

const INFINITE = vec4i(0x7f800000);
override PARTIAL = PADDED || ADAPTIVE; // whether elements may not be inside a window

// What four windows have come to.
struct State { best: vec4f, bits: vec4i, chosen: vec4i, sum: vec4f } // bits: the largest without the sign, which tell NaN

// In loops, for compilers that inline all they see.
fn powers(v: vec4f, p: f32) -> vec4f {
  var u = v;
  for (var i = 0u; i < 4u; i++) { u[i] = power(u[i], p); }
  return u;
}

// One element more of each window, at `place` of its plane.
fn take(s: ptr<function, State>, value: vec4f, inside: vec4<bool>, place: vec4u) {
  // NaN by its bits: compilers may assume that none occurs.
  var bits = bitcast<vec4i>(value) & vec4i(0x7fffffff);
  if (OP == MAX && INDICES) {
    var wins = ((*s).chosen < vec4i()) | (bits > INFINITE) | ((value > (*s).best) & ((*s).bits <= INFINITE));
    if (PARTIAL) { wins &= inside; }
    (*s).best = select((*s).best, value, wins);
    (*s).bits = select((*s).bits, bits, wins);
    (*s).chosen = select((*s).chosen, vec4i(place), wins);
  } else if (OP == MAX) {
    let best = select((*s).best, value, value > (*s).best);
    if (PARTIAL) { bits = select(vec4i(), bits, inside); }
    (*s).bits = max((*s).bits, bits);
    if (PARTIAL) { (*s).best = select((*s).best, best, inside); } else { (*s).best = best; }
  } else {
    var term = value;
    if (OP == LP) { term = powers(abs(value), params.p); }
    if (PARTIAL) { term = select(vec4f(), term, inside); }
    (*s).sum += term;
  }
}

fn four(at: vec4u) -> vec4f { return vec4f(f32(x[at.x]), f32(x[at.y]), f32(x[at.z]), f32(x[at.w])); }

fn put(i: u32, value: f32, index: i32) {
  y[i] = Scalar(value);
  if (INDICES) { indices[i] = index; }
}

// Where four windows are: the first element of their lanes in x, where they start and end along W, and how many taps they have at most.
struct Windows { inner: vec4u, start: vec4u, end: vec4u, taps: u32 }

// Their elements in row h of plane d of x; one before the first is large, and so not inside.
fn takeRow(s: ptr<function, State>, w: Windows, d: u32, h: u32) {
  let n = params.x.xyz;
  let step = stepOf().z;
  let apart = select(1u, params.inner, INNER); // what neighbours along W are
  let row = (d * n.y + h) * n.z;
  var column = w.start;
  if (TAPS > 0u) {
    let width = select(0u, n.z, h < n.y);
    let at = w.inner + (row + column) * apart;
    let first = four(at);
    take(s, first, column < vec4u(width), row + column);
    column += step;
    let next = at + step * apart;
    var second = first;
    if (STEP == 1u) { second = vec4f(first.yzw, f32(x[next.w])); } else { second = four(next); }
    take(s, second, column < vec4u(width), row + column);
    if (TAPS > 2u) {
      column += step;
      let last = next + step * apart;
      var third = second;
      if (STEP > 0u) { third = vec4f(select(first, second, STEP == 1u).yzw, f32(x[last.w])); } else { third = four(last); }
      take(s, third, column < vec4u(width), row + column);
    }
    return;
  }
  for (var c = 0u; c < w.taps; c++) {
    var inside = column < vec4u(n.z);
    if (ADAPTIVE) { inside = vec4u(c) < w.end; }
    take(s, four(w.inner + (row + column) * apart), inside, row + column);
    column += step;
  }
}

// Their elements in plane d of x, in the rows of `wh`.
fn takePlane(s: ptr<function, State>, w: Windows, d: u32, wh: Window) {
  let step = stepOf().y;
  let first = u32(wh.start);
  if (ROWS > 0u) {
    takeRow(s, w, d, first);
    takeRow(s, w, d, first + step);
    if (ROWS > 2u) { takeRow(s, w, d, first + 2u * step); }
    return;
  }
  for (var b = wh.first; b < wh.end; b++) { takeRow(s, w, d, first + b * step); }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let m = params.y.xyz;
  let place = placeOf(linearIndex(wid, nwg, lid, WG), m);
  if (place.outer >= params.outer) { return; }
  let n = params.x.xyz;
  let wd = windowAt(place.d, axisD());
  let wh = windowAt(place.h, axisH());
  let columns = place.w + laneW();
  let w0 = windowAt(columns.x, axisW());
  let w1 = windowAt(columns.y, axisW());
  let w2 = windowAt(columns.z, axisW());
  let w3 = windowAt(columns.w, axisW());
  let end = vec4u(w0.end, w1.end, w2.end, w3.end);
  let taps = select(params.kernel.z, max(max(end.x, end.y), max(end.z, end.w)), ADAPTIVE);
  let inner = place.outer * n.x * n.y * n.z * select(1u, params.inner, INNER) + place.inner + laneInner();
  let windows = Windows(inner, vec4u(vec4i(w0.start, w1.start, w2.start, w3.start)), end, taps);
  var state = State(vec4f(infinityFrom(-1.0)), vec4i(), vec4i(-1), vec4f());
  if (DEEP) {
    for (var a = wd.first; a < wd.end; a++) { takePlane(&state, windows, u32(wd.start) + a * stepOf().x, wh); }
  } else {
    takePlane(&state, windows, 0u, wh);
  }
  var best = state.best;
  if (OP == MAX) { best = select(best, vec4f(nanFrom(1.0)), state.bits > INFINITE); }
  if (OP == LP) { best = powers(state.sum, 1.0 / params.p); }
  if (OP == AVERAGE) {
    let rows = wd.counted * wh.counted;
    let divisor = vec4f(divisorOf(rows * w0.counted), divisorOf(rows * w1.counted), divisorOf(rows * w2.counted), divisorOf(rows * w3.counted));
    best = state.sum / divisor;
    if (PARTIAL) {
      let vacant = vec4<bool>(w0.first >= w0.end, w1.first >= w1.end, w2.first >= w2.end, w3.first >= w3.end) | vec4<bool>(wd.first >= wd.end || wh.first >= wh.end);
      best = select(best, vec4f(), vacant);
    }
  }
  let to = indexOf(place, m) + lanes();
  let count = lanesOf(place, m);
  put(to.x, best.x, state.chosen.x);
  if (count > 1u) { put(to.y, best.y, state.chosen.y); }
  if (count > 2u) { put(to.z, best.z, state.chosen.z); }
  if (count > 3u) { put(to.w, best.w, state.chosen.w); }
}
