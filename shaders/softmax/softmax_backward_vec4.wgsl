// softmax_backward.wgsl for contiguous rows of a multiple of 4 elements, four at a time.
// flops: 20 * rows * quads
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype
override LOG: bool = false;
override MASK: bool = false; // as in lib/softmax_terms.inc.wgsl

struct Params { rows: u32, quads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<vec4<Scalar>>;        // [rows, quads]
@group(0) @binding(2) var<storage, read> dy: array<vec4<Scalar>>;       // as y
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<Scalar>>; // as y

// v, or 0 where the row has no probability to pass a gradient on with.
fn unlessMasked(v: vec4f, y: vec4f) -> vec4f {
  if (MASK) { return select(v, vec4f(0.0), y == vec4f(0.0)); }
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let start = row * params.quads + lane;
  // Lanes past the last row stay for the barriers.
  let end = select(0u, (row + 1u) * params.quads, row < params.rows);
  var total = vec4f(0.0);
  var unmasked = 0.0;
  for (var at = start; at < end; at += LANES) {
    let v = vec4f(y[at]);
    let g = vec4f(dy[at]);
    if (LOG) {
      total += g;
      if (!all(v <= vec4f(-3.3e38))) { unmasked = 1.0; }
    } else {
      total += unlessMasked(v * g, v);
    }
  }
  let sums = sumLanes(vec2f((total.x + total.y) + (total.z + total.w), unmasked), lid, lane);
  for (var at = start; at < end; at += LANES) {
    let v = vec4f(y[at]);
    let g = vec4f(dy[at]);
    var slope = unlessMasked(v * (g - sums.x), v);
    if (LOG) { slope = select(vec4f(0.0), g - exp(v) * sums.x, sums.y > 0.0); }
    dx[at] = vec4<Scalar>(params.scale * slope);
  }
}
