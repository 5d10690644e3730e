// What resizing kernels share: x is [outer, D, H, W, inner], y [outer, D', H', W', inner], in either layout; sizes of fewer dimensions are 1.
#include "lib/image_lanes.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override LINEAR: bool = false; // else the nearest

// xyz are those of D, H, W. Output o of an axis lies at step (o + centre) - shift; `inverse` is 1 / step; where that is 0, so much
// that all outputs are in the range of an element.
struct Params {
  outer: u32, inner: u32, blocks: u32, cells: u32, // cells: D' H' W'
  x: vec4u, y: vec4u, step: vec4f, inverse: vec4f, centre: f32, shift: f32,
}
@group(0) @binding(0) var<uniform> params: Params;

// The two elements that each of four outputs of an axis of n lies between, and the weight of the second.
struct Taps { low: vec4u, high: vec4u, weight: vec4f }

fn tapsAt(o: vec4u, n: vec4u, step: vec4f) -> Taps {
  let at = clamp(step * (vec4f(o) + params.centre) - params.shift, vec4f(), vec4f(n - 1u));
  let low = vec4u(at);
  if (!LINEAR) { return Taps(low, low, vec4f()); }
  return Taps(low, min(low + 1u, n - 1u), at - vec4f(low));
}
