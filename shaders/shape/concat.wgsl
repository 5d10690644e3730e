// Up to seven inputs side by side: y[r, start + c] = x_k[r, c - begin_k], where begin_k <= c < end_k. Concatenation along any axis is this,
// rows being all axes before it and columns the rest. One invocation an element of the region that the inputs fill.
// bytes: 2 * y / cols * width
#include "lib/index.inc.wgsl"
#include "lib/pieces.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

// Absent: bit k set where input k is all zeros.
struct Params { rows: u32, cols: u32, start: u32, width: u32, absent: u32, ends: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<Scalar>; // [rows, ends_0], and so on: [rows, ends_k - ends_(k-1)]
@group(0) @binding(2) var<storage, read> x1: array<Scalar>;
@group(0) @binding(3) var<storage, read> x2: array<Scalar>;
@group(0) @binding(4) var<storage, read> x3: array<Scalar>;
@group(0) @binding(5) var<storage, read> x4: array<Scalar>;
@group(0) @binding(6) var<storage, read> x5: array<Scalar>;
@group(0) @binding(7) var<storage, read> x6: array<Scalar>;
@group(0) @binding(8) var<storage, read_write> y: array<Scalar>; // [rows, cols]

fn load(k: u32, i: u32) -> Scalar {
  switch (k) {
    case 0u: { return x0[i]; }
    case 1u: { return x1[i]; }
    case 2u: { return x2[i]; }
    case 3u: { return x3[i]; }
    case 4u: { return x4[i]; }
    case 5u: { return x5[i]; }
    default: { return x6[i]; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.rows * params.width) { return; }
  let r = i / params.width;
  let c = i - r * params.width;
  let piece = pieceOf(c);
  var v = Scalar();
  if (((params.absent >> piece.k) & 1u) == 0u) { v = load(piece.k, r * piece.width + c - piece.begin); }
  y[r * params.cols + params.start + c] = v;
}
