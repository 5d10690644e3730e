// h_t = tanh(gx_t + U h_{t-1} + bias), or relu (Elman 1990). gx = x W^T + its bias is computed for all steps beforehand.
// The work is divided as lib/recurrent.inc.wgsl says. Positions past a sequence's length give y = 0 and leave h as it is.
// flops: B * T * H * (2 * H + 3)
#include "lib/recurrent.inc.wgsl"
#include "lib/math.inc.wgsl"

override RELU: bool = false;

@group(0) @binding(1) var<storage, read> gx: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> h0: array<Scalar>;             // [B, H]
@group(0) @binding(3) var<storage, read> U: array<vec4<Scalar>>;        // [H, 4 * WG], zeros past column H
@group(0) @binding(4) var<storage, read> bias: array<Scalar>;           // [H]
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> y: array<Scalar>;        // [B, T, H]
@group(0) @binding(7) var<storage, read_write> hLast: array<Scalar>;    // [B, H]
@group(0) @binding(8) var<storage, read_write> prev: array<Scalar>;     // [B, T, H]: h_{t-1}, for backward

var<workgroup> h: array<mat4x4f, WG>; // the state: a column for each sequence, zeros past unit H

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let j = 4 * lid;
  let units = min(4u, H - j);
  let first = 4 * (wid.y * nwg.x + wid.x);
  var own = mat4x4f();
  for (var b = 0u; b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { own[b][c] = f32(h0[(first + b) * H + j + c]); }
  }
  h[lid] = own;
  for (var s = 0u; s < params.T; s++) {
    workgroupBarrier();
    var a = mat4x4f();
    for (var k = 0u; k < WG; k++) { a += transpose(rows(j, H - 1, k)) * h[k]; }
    workgroupBarrier();
    for (var b = 0u; b < 4 && first + b < params.B; b++) {
      let length = lengthOf(first + b);
      let live = s < length;
      let row = ((first + b) * params.T + position(s, length)) * H + j;
      for (var c = 0u; c < units; c++) {
        let sum = a[b][c] + f32(gx[row + c]) + f32(bias[j + c]);
        prev[row + c] = Scalar(own[b][c]);
        if (live) { if (RELU) { own[b][c] = max(sum, 0.0); } else { own[b][c] = tanhExact(sum); } }
        y[row + c] = Scalar(select(0.0, own[b][c], live));
      }
    }
    h[lid] = own;
  }
  for (var b = 0u; b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { hLast[(first + b) * H + j + c] = Scalar(own[b][c]); }
  }
}
