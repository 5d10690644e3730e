// y[b, r, c] = x[b, r, c] where c - r <= diagonal (the lower triangle; UPPER: c - r >= diagonal), else 0. One invocation an element.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override UPPER: bool = false;

struct Params { size: u32, rows: u32, cols: u32, diagonal: i32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [batch, rows, cols] = [size]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;  // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let row = i / params.cols;
  let r = i32(row % params.rows);
  let c = i32(i - row * params.cols);
  var v = Scalar();
  if ((UPPER && c - r >= params.diagonal) || (!UPPER && c - r <= params.diagonal)) { v = x[i]; }
  y[i] = v;
}
