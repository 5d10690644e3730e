// What the kernels of `gridSample` share: from a coordinate of the grid, where -1 and 1 are the ends, to one of x in elements, with PyTorch's rules for what lies outside.
#include "lib/index.inc.wgsl"

override WG: u32 = 64;
override NEAREST: bool = false; // else bilinear
override ALIGN: bool = false;   // whether -1 and 1 are the centres of the first and last elements, else their outer edges
override PADDING: u32 = 0;
const ZEROS = 0u; // op
const BORDER = 1u; // op
const REFLECTION = 2u; // op

// x is [N, C, H, W], y [N, C, P], the grid [N, P, 2] of (x, y).
struct Params { N: u32, C: u32, H: u32, W: u32, P: u32, blocks: u32, chunks: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;

// Beyond this f32 holds no fractions that matter.
const FARTHEST = 1e6;

// Coordinates in x, and their derivatives by those of the grid.
struct Source { at: vec4f, slope: vec4f }

fn sourceOf(given: vec4f, size: u32) -> Source {
  let n = f32(size);
  // By the bits: compilers may assume that no NaN occurs.
  let nan = (bitcast<vec4u>(given) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  let g = clamp(select(given, vec4f(-1.0), nan), vec4f(-FARTHEST), vec4f(FARTHEST));
  let span = select(n, n - 1.0, ALIGN);
  let first = select(-0.5, 0.0, ALIGN);
  var at = (g + 1.0) * (0.5 * span) + first;
  var slope = vec4f(0.5 * span);
  if (PADDING == REFLECTION) {
    let off = at - first;
    let turns = floor(abs(off) / max(span, 1.0));
    let rest = abs(off) - turns * span;
    let back = turns - 2.0 * floor(turns * 0.5) > vec4f();
    at = select(rest, span - rest, back) + first;
    slope *= select(vec4f(1.0), vec4f(-1.0), (off < vec4f()) != back);
  }
  if (PADDING == ZEROS) {
    at = clamp(at, vec4f(-2.0), vec4f(n + 1.0));
  } else {
    slope = select(vec4f(), slope, (at > vec4f()) & (at < vec4f(n - 1.0)));
    at = clamp(at, vec4f(), vec4f(n - 1.0));
  }
  return Source(at, select(slope, vec4f(), nan));
}

// The first element that is read: the only one, or the one before a coordinate.
fn firstOf(at: vec4f) -> vec4f {
  if (NEAREST) { return round(at); }
  return floor(at);
}
