// concat.wgsl in units of four elements.
// bytes: 2 * y / cols * width
#include "lib/index.inc.wgsl"
#include "lib/pieces.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

// Absent: bit k set where input k is all zeros.
struct Params { rows: u32, cols: u32, start: u32, width: u32, absent: u32, ends: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<vec4<Scalar>>; // [rows, ends_0], and so on: [rows, ends_k - ends_(k-1)]
@group(0) @binding(2) var<storage, read> x1: array<vec4<Scalar>>;
@group(0) @binding(3) var<storage, read> x2: array<vec4<Scalar>>;
@group(0) @binding(4) var<storage, read> x3: array<vec4<Scalar>>;
@group(0) @binding(5) var<storage, read> x4: array<vec4<Scalar>>;
@group(0) @binding(6) var<storage, read> x5: array<vec4<Scalar>>;
@group(0) @binding(7) var<storage, read> x6: array<vec4<Scalar>>;
@group(0) @binding(8) var<storage, read_write> y: array<vec4<Scalar>>; // [rows, cols]

fn load(k: u32, i: u32) -> vec4<Scalar> {
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
  var v = vec4<Scalar>();
  if (((params.absent >> piece.k) & 1u) == 0u) { v = load(piece.k, r * piece.width + c - piece.begin); }
  y[r * params.cols + params.start + c] = v;
}
