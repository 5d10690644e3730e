// expand_rows.wgsl four elements at a time: along contiguous rows of a multiple of 4 elements, or (COLUMNS) across four neighbouring rows.
// flops: outputs / splits * (1 + 3 * COLUMNS)
#include "lib/lanes.inc.wgsl"

alias Scalar = f32; // dtype

// axis, inner and outputs in units of four elements, along the rows or across them.
struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;             // [outer], or [outer, 4 * inner] with COLUMNS
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [outer, axis, inner], outputs = outer * splits * inner

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  var v: vec4f;
  if (COLUMNS) {
    let at = 4u * mine.row;
    v = vec4f(f32(x[at]), f32(x[at + 1u]), f32(x[at + 2u]), f32(x[at + 3u]));
  } else {
    v = vec4f(f32(x[mine.row]));
  }
  let value = vec4<Scalar>(v * params.scale);
  let end = mine.first + mine.stop * params.inner;
  for (var at = mine.first + (mine.begin + laneOf(lid)) * params.inner; at < end; at += LANES * params.inner) { y[at] = value; }
}
