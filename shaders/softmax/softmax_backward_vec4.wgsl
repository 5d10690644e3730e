// softmax_backward.wgsl for contiguous rows of a multiple of 4 elements, four at a time.
// flops: 20 * rows * quads
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"
#include "lib/softmax_terms.inc.wgsl"
#include "lib/softmax_backward_held.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, quads: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<vec4<Scalar>>;        // [rows, quads]
@group(0) @binding(2) var<storage, read> dy: array<vec4<Scalar>>;       // as y
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<Scalar>>; // as y

fn y4(own: Lane, k: u32) -> vec4f {
  let at = own.at + k * LANES;
  if (at < own.end) { return vec4f(y[at]); }
  return vec4f(select(0.0, -3.4e38, LOG));
}

fn dy4(own: Lane, k: u32) -> vec4f {
  let at = own.at + k * LANES;
  if (at < own.end) { return vec4f(dy[at]); }
  return vec4f(0.0);
}

fn store4(own: Lane, k: u32, v: vec4f) {
  let at = own.at + k * LANES;
  if (at < own.end) { dx[at] = vec4<Scalar>(v); }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  // Lanes past the last row stay for the barriers.
  let own = Lane(row * params.quads + lane, select(0u, (row + 1u) * params.quads, row < params.rows));
  if (HELD > 0u) {
    backwardHeld(own, lid, lane);
    return;
  }
  var total = vec4f(0.0);
  var unmasked = 0.0;
  for (var at = own.at; at < own.end; at += LANES) {
    let v = vec4f(y[at]);
    let g = vec4f(dy[at]);
    if (LOG) {
      total += g;
      if (!all(v <= vec4f(-3.3e38))) { unmasked = 1.0; }
    } else if (MASK) {
      total += select(v * g, vec4f(0.0), v == vec4f(0.0));
    } else {
      total += v * g;
    }
  }
  let sums = sumLanes(vec2f((total.x + total.y) + (total.z + total.w), unmasked), lid, lane);
  for (var at = own.at; at < own.end; at += LANES) { dx[at] = vec4<Scalar>(slope4(vec4f(y[at]), vec4f(dy[at]), sums)); }
}
