// What pooling kernels share: x is [outer, D, H, W, inner], y [outer, D', H', W', inner], in either layout; sizes of fewer dimensions are 1.
#include "lib/image_lanes.inc.wgsl"
#include "lib/math.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override OP: u32 = 0;
const MAX = 0u; // op
const AVERAGE = 1u; // op
const LP = 2u; // op
override ADAPTIVE: bool = false; // whether windows are those that divide an axis into so many; else of `kernel`, `stride` and `dilation`

// xyz are those of D, H, W. `padded`: how far windows may reach (sizes with both paddings), counted from the padding in front.
struct Params {
  outer: u32, inner: u32, divisor: f32, p: f32,
  x: vec4u, y: vec4u, kernel: vec4u, stride: vec4u, dilation: vec4u, pad: vec4u, padded: vec4u,
  countPad: u32, cells: u32, taps: u32, blocks: u32, // cells: D' H' W'; taps: of a window at most; blocks: fours of lanes along W or `inner`
}
@group(0) @binding(0) var<uniform> params: Params;

// The parameters of four axes at a time: of D and H, or of the lanes' W.
struct Axes { x: vec4u, y: vec4u, kernel: vec4u, stride: vec4u, dilation: vec4u, pad: vec4u, padded: vec4u }
fn axesDH() -> Axes { return Axes(params.x.xyyy, params.y.xyyy, params.kernel.xyyy, params.stride.xyyy, params.dilation.xyyy, params.pad.xyyy, params.padded.xyyy); }
fn axesW() -> Axes { return Axes(params.x.zzzz, params.y.zzzz, params.kernel.zzzz, params.stride.zzzz, params.dilation.zzzz, params.pad.zzzz, params.padded.zzzz); }

// Where windows begin (which may be in the padding), which of their steps lie within the tensor (from `first` to `end`), and how many count for an average.
struct Windows { start: vec4i, first: vec4u, end: vec4u, counted: vec4u }

fn windowsAt(at: vec4u, a: Axes) -> Windows {
  var w: Windows;
  if (ADAPTIVE) {
    let begin = at * a.x / a.y;
    w.start = vec4i(begin);
    w.first = vec4u();
    w.end = ((at + 1u) * a.x + a.y - 1u) / a.y - begin;
    w.counted = w.end;
    return w;
  }
  let begin = at * a.stride;
  w.start = vec4i(begin) - vec4i(a.pad);
  w.end = min(a.kernel, stepsTo(a.x + a.pad, begin, a.dilation));
  w.first = min(stepsTo(a.pad, begin, a.dilation), w.end);
  w.counted = w.end - w.first;
  if (params.countPad != 0u) { w.counted = min(a.kernel, stepsTo(a.padded, begin, a.dilation)); }
  return w;
}

// The steps from `begin` that lie before `limit`.
fn stepsTo(limit: vec4u, begin: vec4u, step: vec4u) -> vec4u {
  let span = max(limit, begin) - begin;
  if (all(step == vec4u(1u))) { return span; }
  return (span + step - 1u) / step;
}

// The windows that may hold positions of x: from `low` to `high`.
struct Range { low: vec4u, high: vec4u }
fn windowsWith(position: vec4u, a: Axes) -> Range {
  if (ADAPTIVE) { return Range(position * a.y / a.x, min(((position + 1u) * a.y - 1u) / a.x + 1u, a.y)); }
  let reach = (a.kernel - 1u) * a.dilation;
  let at = position + a.pad;
  return Range((max(at, reach) - reach + a.stride - 1u) / a.stride, min(at / a.stride + 1u, a.y));
}

// Whether windows hold positions.
fn holds(w: Windows, position: vec4u, a: Axes) -> vec4<bool> {
  let off = vec4i(position) - w.start;
  if (ADAPTIVE || all(a.dilation == vec4u(1u))) { return (off >= vec4i()) & (off < vec4i(w.end)); }
  let index = off / vec4i(a.dilation);
  return (off >= vec4i()) & (index * vec4i(a.dilation) == off) & (index < vec4i(w.end));
}

// What the sum of an average is divided by, for windows of so many counted elements.
fn divisorOf(counted: vec4u) -> vec4f { return select(vec4f(counted), vec4f(params.divisor), params.divisor != 0.0); }

// The steps of an axis are as many positions apart.
fn stepOf() -> vec3u { return select(params.dilation.xyz, vec3u(1u), vec3<bool>(ADAPTIVE)); }
