// strided_copy.wgsl where another axis than the innermost is contiguous in x (a transposition): one invocation turns a 4 x 4 tile over, so
// that both sides move by vec4. Sizes of the two axes and all other strides are multiples of 4. No workgroup memory, no barrier.
// bytes: min(x, y) + y
#include "lib/index.inc.wgsl"
#include "lib/strided.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

// In vec4s; shape counts tiles along the two axes. `targets` are the strides of y; rowX and rowY step through the rows of a tile.
struct Params { size: u32, offset: u32, rowX: u32, rowY: u32, shape: array<vec4u, 2>, strides: array<vec4u, 2>, targets: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [4 * size]

fn targetIndex(i: u32) -> u32 {
  var s = Step(i, 0u);
  if (RANK > 1u) { s = outward(s, params.shape[0].x, params.targets[0].x); }
  if (RANK > 2u) { s = outward(s, params.shape[0].y, params.targets[0].y); }
  if (RANK > 3u) { s = outward(s, params.shape[0].z, params.targets[0].z); }
  if (RANK > 4u) { s = outward(s, params.shape[0].w, params.targets[0].w); }
  if (RANK > 5u) { s = outward(s, params.shape[1].x, params.targets[1].x); }
  if (RANK > 6u) { s = outward(s, params.shape[1].y, params.targets[1].y); }
  if (RANK > 7u) { s = outward(s, params.shape[1].z, params.targets[1].z); }
  return s.at + s.rest * params.targets[(RANK - 1u) / 4u][(RANK - 1u) % 4u];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let at = stridedIndex(i);
  let to = targetIndex(i);
  let a = x[at];
  let b = x[at + params.rowX];
  let c = x[at + 2u * params.rowX];
  let d = x[at + 3u * params.rowX];
  y[to] = vec4<Scalar>(a.x, b.x, c.x, d.x);
  y[to + params.rowY] = vec4<Scalar>(a.y, b.y, c.y, d.y);
  y[to + 2u * params.rowY] = vec4<Scalar>(a.z, b.z, c.z, d.z);
  y[to + 3u * params.rowY] = vec4<Scalar>(a.w, b.w, c.w, d.w);
}
