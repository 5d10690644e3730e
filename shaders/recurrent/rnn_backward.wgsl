// With a_t the argument of tanh (or relu) in rnn_forward.wgsl and dh_T = dhLast:
//   da_t = (dy_t + dh_t) * tanh'(a_t),   dh_{t-1} = U^T da_t
// da is the gradient of gx and of U h + bias alike; dU = sum_t da_t h_{t-1}^T is a matrix product afterwards.
// The work is divided as lib/recurrent.inc.wgsl says, backwards in time.
// flops: B * T * H * (2 * H + 4)
#include "lib/recurrent.inc.wgsl"

override RELU: bool = false;

@group(0) @binding(1) var<storage, read> dy: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> dhLast: array<Scalar>;         // [B, H]
@group(0) @binding(3) var<storage, read> y: array<Scalar>;              // [B, T, H]
@group(0) @binding(4) var<storage, read> U: array<vec4<Scalar>>;        // [H, 4 * WG], zeros past column H
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> da: array<Scalar>;       // [B, T, H]
@group(0) @binding(7) var<storage, read_write> dh0: array<Scalar>;      // [B, H]

override DY: bool = true;      // whether there are gradients of y; zeros if not
override DH_LAST: bool = true; // and of hLast

var<workgroup> d: array<mat4x4f, WG>; // da of the step: a column for each sequence, zeros past unit H

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let j = 4 * lid;
  let units = min(4u, H - j);
  let first = 4 * (wid.y * nwg.x + wid.x);
  var dh = mat4x4f(); // of this invocation's units
  for (var b = 0u; DH_LAST && b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { dh[b][c] = f32(dhLast[(first + b) * H + j + c]); }
  }
  for (var i = 0u; i < params.T; i++) {
    let s = params.T - 1 - i;
    var own = mat4x4f();
    for (var b = 0u; b < 4 && first + b < params.B; b++) {
      let length = lengthOf(first + b);
      let row = ((first + b) * params.T + position(s, length)) * H + j;
      for (var c = 0u; c < units; c++) {
        if (s < length) {
          let r = f32(y[row + c]);
          var slope = 1.0 - r * r;
          if (RELU) { slope = select(0.0, 1.0, r > 0.0); }
          var g = dh[b][c];
          if (DY) { g += f32(dy[row + c]); }
          own[b][c] = g * slope;
        }
        da[row + c] = Scalar(own[b][c]);
      }
    }
    d[lid] = own;
    workgroupBarrier();
    var sum = mat4x4f();
    for (var k = 0u; k < WG; k++) { sum += rows(4 * k, H - 1, lid) * d[k]; }
    for (var b = 0u; b < 4; b++) {
      if (s < lengthOf(first + b)) { dh[b] = sum[b]; }
    }
    workgroupBarrier();
  }
  for (var b = 0u; b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { dh0[(first + b) * H + j + c] = Scalar(dh[b][c]); }
  }
}
