// What pooling kernels share: x is [outer, D, H, W, inner], y [outer, D', H', W', inner], in either layout; sizes of fewer dimensions are 1.
#include "lib/index.inc.wgsl"
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
  countPad: u32, cells: u32, taps: u32, // cells: D' H' W'; taps: of a window at most
}
@group(0) @binding(0) var<uniform> params: Params;

// Where a window begins (which may be in the padding), and how many steps it has that lie within the tensor: from `first` to `end` of them.
struct Window { start: vec3i, first: vec3u, end: vec3u, counted: u32 }

fn windowOf(at: vec3u) -> Window {
  var w = Window();
  var counted = vec3u(1u);
  for (var d = 0u; d < 3u; d++) {
    let n = params.x[d];
    if (ADAPTIVE) {
      let begin = at[d] * n / params.y[d];
      w.start[d] = i32(begin);
      w.end[d] = ((at[d] + 1u) * n + params.y[d] - 1u) / params.y[d] - begin;
      counted[d] = w.end[d];
      continue;
    }
    let step = params.dilation[d];
    let start = at[d] * params.stride[d];
    w.start[d] = i32(start) - i32(params.pad[d]);
    // Steps until position n, and those before position 0.
    w.end[d] = min(params.kernel[d], (max(n + params.pad[d], start) - start + step - 1u) / step);
    w.first[d] = min((max(params.pad[d], start) - start + step - 1u) / step, w.end[d]);
    let reach = min(params.kernel[d], (max(params.padded[d], start) - start + step - 1u) / step);
    counted[d] = select(w.end[d] - w.first[d], reach, params.countPad != 0u);
  }
  w.counted = counted.x * counted.y * counted.z;
  return w;
}

// What the sum of an average is divided by.
fn divisorOf(w: Window) -> f32 { return select(f32(w.counted), params.divisor, params.divisor != 0.0); }

fn isVacant(w: Window) -> bool { return any(w.first >= w.end); }

// The steps of an axis are `stepOf` apart.
fn stepOf() -> vec3u { return select(params.dilation.xyz, vec3u(1u), vec3<bool>(ADAPTIVE)); }

// Element i of an array of [outer, n.x, n.y, n.z, inner] as its place in n, with outer and inner.
struct Place { at: vec3u, outer: u32, inner: u32 }
fn placeOf(i: u32, n: vec3u) -> Place {
  let inner = i % params.inner;
  let cell = i / params.inner;
  let w = cell % n.z;
  let h = cell / n.z % n.y;
  let d = cell / n.z / n.y % n.x;
  return Place(vec3u(d, h, w), cell / n.z / n.y / n.x, inner);
}
fn indexOf(outer: u32, at: vec3u, n: vec3u, inner: u32) -> u32 {
  return (((outer * n.x + at.x) * n.y + at.y) * n.z + at.z) * params.inner + inner;
}
