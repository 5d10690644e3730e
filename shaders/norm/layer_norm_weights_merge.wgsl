// dweight and dbias out of the sums of layer_norm_weights.wgsl over chunks of rows. One invocation a column.
// flops: 2 * chunks * cols
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

struct Params { chunks: u32, cols: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec2f>;       // [chunks, cols] of (dweight, dbias)
@group(0) @binding(2) var<storage, read_write> dweight: array<Scalar>; // [cols]
@group(0) @binding(3) var<storage, read_write> dbias: array<Scalar>;   // [cols]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let col = linearIndex(wid, nwg, lid, WG);
  if (col >= params.cols) { return; }
  var total = vec2f(0.0);
  for (var k = 0u; k < params.chunks; k++) { total += partials[k * params.cols + col]; }
  dweight[col] = Scalar(total.x);
  dbias[col] = Scalar(total.y);
}
