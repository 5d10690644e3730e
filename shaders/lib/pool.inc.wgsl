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
override PADDED: bool = true;     // whether any window reaches outside the tensor
override DILATED: bool = false;   // whether any dilation is more than 1
override COUNT_PAD: bool = false; // whether padding counts in averages

// xyz are those of D, H, W. `padded`: how far windows may reach (sizes with both paddings), counted from the padding in front.
struct Params {
  outer: u32, inner: u32, divisor: f32, p: f32,
  x: vec4u, y: vec4u, kernel: vec4u, stride: vec4u, dilation: vec4u, pad: vec4u, padded: vec4u,
  cells: u32, taps: u32, blocks: u32, // cells: D' H' W'; taps: of a window at most; blocks: fours of lanes along W or `inner`
}
@group(0) @binding(0) var<uniform> params: Params;

// The parameters of an axis.
struct Axis { x: u32, y: u32, kernel: u32, stride: u32, dilation: u32, pad: u32, padded: u32 }
fn axisD() -> Axis { return Axis(params.x.x, params.y.x, params.kernel.x, params.stride.x, params.dilation.x, params.pad.x, params.padded.x); }
fn axisH() -> Axis { return Axis(params.x.y, params.y.y, params.kernel.y, params.stride.y, params.dilation.y, params.pad.y, params.padded.y); }
fn axisW() -> Axis { return Axis(params.x.z, params.y.z, params.kernel.z, params.stride.z, params.dilation.z, params.pad.z, params.padded.z); }

// Where a window begins along an axis (which may be in the padding), which of its steps lie within the tensor (from `first` to `end`), and how many count for
// an average.
struct Window { start: i32, first: u32, end: u32, counted: u32 }

fn windowAt(at: u32, a: Axis) -> Window {
  if (ADAPTIVE) {
    let begin = at * a.x / a.y;
    let end = ((at + 1u) * a.x + a.y - 1u) / a.y - begin;
    return Window(i32(begin), 0u, end, end);
  }
  let begin = at * a.stride;
  if (!PADDED) { return Window(i32(begin), 0u, a.kernel, a.kernel); }
  let end = min(a.kernel, stepsTo(a.x + a.pad, begin, a.dilation));
  let first = min(stepsTo(a.pad, begin, a.dilation), end);
  var counted = end - first;
  if (COUNT_PAD) { counted = min(a.kernel, stepsTo(a.padded, begin, a.dilation)); }
  return Window(i32(begin) - i32(a.pad), first, end, counted);
}

// The steps from `begin` that lie before `limit`.
fn stepsTo(limit: u32, begin: u32, step: u32) -> u32 {
  let span = max(limit, begin) - begin;
  if (!DILATED) { return span; }
  return (span + step - 1u) / step;
}

// The windows that may hold a position of x begin with this one and end before that one.
fn firstWith(position: u32, a: Axis) -> u32 {
  if (ADAPTIVE) { return position * a.y / a.x; }
  let reach = (a.kernel - 1u) * a.dilation;
  let at = position + a.pad;
  return (max(at, reach) - reach + a.stride - 1u) / a.stride;
}
fn endWith(position: u32, a: Axis) -> u32 {
  if (ADAPTIVE) { return min(((position + 1u) * a.y - 1u) / a.x + 1u, a.y); }
  return min((position + a.pad) / a.stride + 1u, a.y);
}

// Whether a window holds positions.
fn holds4(w: Window, position: vec4u, a: Axis) -> vec4<bool> {
  let off = vec4i(position) - w.start;
  if (!DILATED) { return (off >= vec4i()) & (off < vec4i(i32(w.end))); }
  let index = off / i32(a.dilation);
  return (off >= vec4i()) & (index * i32(a.dilation) == off) & (index < vec4i(i32(w.end)));
}
fn holds(w: Window, position: u32, a: Axis) -> bool {
  let off = i32(position) - w.start;
  if (!DILATED) { return off >= 0 && off < i32(w.end); }
  return off >= 0 && off % i32(a.dilation) == 0 && off / i32(a.dilation) < i32(w.end);
}

// What the sum of an average is divided by, for a window of so many counted elements.
fn divisorOf(counted: u32) -> f32 { return select(f32(counted), params.divisor, params.divisor != 0.0); }

// The steps of an axis are as many positions apart.
fn stepOf() -> vec3u { return select(params.dilation.xyz, vec3u(1u), vec3<bool>(ADAPTIVE)); }
