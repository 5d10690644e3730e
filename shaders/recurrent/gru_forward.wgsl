// r = sigmoid(gx_r + U_r h + b_r)    z = sigmoid(gx_z + U_z h + b_z)
// n = tanh(gx_n + r * q),  q = U_n h + b_n          h_t = (1 - z) * n + z * h_{t-1}
// Cho et al. 2014, https://arxiv.org/abs/1406.1078, with the reset gate after the product, as in cuDNN and PyTorch.
// gx = x W^T + its bias is computed for all steps beforehand. The work is divided as lib/recurrent.inc.wgsl says. Positions past a sequence's
// length give y = 0 and leave h as it is.
// flops: B * T * H * (6 * H + 14)
#include "lib/recurrent.inc.wgsl"
#include "lib/math.inc.wgsl"

@group(0) @binding(1) var<storage, read> gx: array<Scalar>;             // [B, T, 3, H]: r, z, n
@group(0) @binding(2) var<storage, read> h0: array<Scalar>;             // [B, H]
@group(0) @binding(3) var<storage, read> U: array<vec4<Scalar>>;        // [3, H, 4 * WG], zeros past column H
@group(0) @binding(4) var<storage, read> bias: array<Scalar>;           // [3, H]
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> y: array<Scalar>;        // [B, T, H]
@group(0) @binding(7) var<storage, read_write> hLast: array<Scalar>;    // [B, H]
@group(0) @binding(8) var<storage, read_write> gates: array<Scalar>;    // [5, B, T, H]: r, z, n, q, h_{t-1}, for backward

var<workgroup> h: array<mat4x4f, WG>; // the state: a column for each sequence, zeros past unit H

// One unit's new state at row `t` of [B, T]; a holds U_r h, U_z h and U_n h.
fn unit(t: u32, i: u32, a: vec3f, old: f32, live: bool) -> f32 {
  let H = params.H;
  let at = 3 * t * H + i;
  let r = sigmoid(a.x + f32(bias[i]) + f32(gx[at]));
  let az = a.y + f32(bias[H + i]) + f32(gx[at + H]);
  let z = sigmoid(az);
  let q = a.z + f32(bias[2 * H + i]);
  let n = tanhExact(f32(gx[at + 2 * H]) + r * q);
  let next = select(old, sigmoid(-az) * n + z * old, live); // 1 - z would cancel near 1
  let stride = params.B * params.T * H;
  let out = t * H + i;
  gates[out] = Scalar(r);
  gates[out + stride] = Scalar(z);
  gates[out + 2 * stride] = Scalar(n);
  gates[out + 3 * stride] = Scalar(q);
  gates[out + 4 * stride] = Scalar(old);
  y[out] = Scalar(select(0.0, next, live));
  return next;
}

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
    var ar = mat4x4f();
    var az = mat4x4f();
    var aq = mat4x4f();
    for (var k = 0u; k < WG; k++) {
      let hk = h[k];
      ar += transpose(rows(j, 3 * H - 1, k)) * hk;
      az += transpose(rows(H + j, 3 * H - 1, k)) * hk;
      aq += transpose(rows(2 * H + j, 3 * H - 1, k)) * hk;
    }
    workgroupBarrier();
    for (var b = 0u; b < 4 && first + b < params.B; b++) {
      let length = lengthOf(first + b);
      let t = (first + b) * params.T + position(s, length);
      for (var c = 0u; c < units; c++) {
        own[b][c] = unit(t, j + c, vec3f(ar[b][c], az[b][c], aq[b][c]), own[b][c], s < length);
      }
    }
    h[lid] = own;
  }
  for (var b = 0u; b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { hLast[(first + b) * H + j + c] = Scalar(own[b][c]); }
  }
}
