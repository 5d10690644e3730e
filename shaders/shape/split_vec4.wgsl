// split.wgsl in units of four elements.
// bytes: 2 * x / cols * width
#include "lib/index.inc.wgsl"
#include "lib/pieces.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

// Absent: bit k set where output k is not wanted.
struct Params { rows: u32, cols: u32, start: u32, width: u32, absent: u32, ends: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>; // [rows, cols]
@group(0) @binding(2) var<storage, read_write> y0: array<vec4<Scalar>>; // [rows, ends_0], and so on: [rows, ends_k - ends_(k-1)]
@group(0) @binding(3) var<storage, read_write> y1: array<vec4<Scalar>>;
@group(0) @binding(4) var<storage, read_write> y2: array<vec4<Scalar>>;
@group(0) @binding(5) var<storage, read_write> y3: array<vec4<Scalar>>;
@group(0) @binding(6) var<storage, read_write> y4: array<vec4<Scalar>>;
@group(0) @binding(7) var<storage, read_write> y5: array<vec4<Scalar>>;
@group(0) @binding(8) var<storage, read_write> y6: array<vec4<Scalar>>;

fn store(k: u32, i: u32, v: vec4<Scalar>) {
  switch (k) {
    case 0u: { y0[i] = v; }
    case 1u: { y1[i] = v; }
    case 2u: { y2[i] = v; }
    case 3u: { y3[i] = v; }
    case 4u: { y4[i] = v; }
    case 5u: { y5[i] = v; }
    default: { y6[i] = v; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.rows * params.width) { return; }
  let r = i / params.width;
  let c = i - r * params.width;
  let piece = pieceOf(c);
  if (((params.absent >> piece.k) & 1u) != 0u) { return; }
  store(piece.k, r * piece.width + c - piece.begin, x[r * params.cols + params.start + c]);
}
