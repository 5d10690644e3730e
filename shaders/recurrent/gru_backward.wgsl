// The gradients of gru_forward.wgsl, with g = dy_t + dh_t, dh_T = dhLast:
//   dn = g (1 - z) (1 - n^2)    dz = g (h_{t-1} - n) z (1 - z)    dr = dn q r (1 - r)    dq = dn r
//   dh_{t-1} = g z + U_r^T dr + U_z^T dz + U_n^T dq
// dgx = (dr, dz, dn) and dgh = (dr, dz, dq); dU = sum_t dgh_t h_{t-1}^T is a matrix product afterwards.
// One workgroup a sequence, backwards in time.
#include "lib/recurrent.inc.wgsl"

struct Params { T: u32, H: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> dhLast: array<Scalar>;         // [B, H]
@group(0) @binding(3) var<storage, read> gates: array<Scalar>;          // [5, B, T, H]: r, z, n, q, h_{t-1}
@group(0) @binding(4) var<storage, read> U: array<vec4<Scalar>>;        // [3, H, 4 * H4], zeros past column H
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> dgx: array<Scalar>;      // [B, T, 3, H]
@group(0) @binding(7) var<storage, read_write> dgh: array<Scalar>;      // [B, T, 3, H]
@group(0) @binding(8) var<storage, read_write> dh0: array<Scalar>;      // [B, H]

var<workgroup> dh: array<vec4f, H4>;
var<workgroup> d: array<vec4f, 3 * H4>; // dr, dz, dq of the step

// Gradients of one unit at one step; the part of dh_{t-1} that does not go through U is returned.
fn unit(t: u32, i: u32, H: u32, stride: u32, dhi: f32, live: bool) -> vec4f {
  var v = vec4f(0.0, 0.0, 0.0, dhi);
  var dn = 0.0;
  if (live) {
    let at = t * H + i;
    let r = f32(gates[at]);
    let z = f32(gates[at + stride]);
    let n = f32(gates[at + 2 * stride]);
    let g = f32(dy[at]) + dhi;
    dn = g * (1.0 - z) * (1.0 - n * n);
    let dr = dn * f32(gates[at + 3 * stride]) * r * (1.0 - r);
    let dz = g * (f32(gates[at + 4 * stride]) - n) * z * (1.0 - z);
    v = vec4f(dr, dz, dn * r, g * z);
  }
  let out = 3 * t * H + i;
  dgx[out] = Scalar(v.x);
  dgx[out + H] = Scalar(v.y);
  dgx[out + 2 * H] = Scalar(dn);
  dgh[out] = Scalar(v.x);
  dgh[out + H] = Scalar(v.y);
  dgh[out + 2 * H] = Scalar(v.z);
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let b = wid.x;
  let length = lengthOf(b);
  let stride = nwg.x * params.T * H;
  for (var j4 = lid; j4 < H4; j4 += WG) {
    var v = vec4f();
    for (var c = 0u; c < 4 && 4 * j4 + c < H; c++) { v[c] = f32(dhLast[b * H + 4 * j4 + c]); }
    dh[j4] = v;
  }
  for (var i = 0u; i < params.T; i++) {
    let s = params.T - 1 - i;
    let t = b * params.T + position(s, length);
    for (var j4 = lid; j4 < H4; j4 += WG) {
      var units = mat4x4f();
      for (var c = 0u; c < 4 && 4 * j4 + c < H; c++) { units[c] = unit(t, 4 * j4 + c, H, stride, dh[j4][c], s < length); }
      let byGate = transpose(units);
      d[j4] = byGate[0];
      d[H4 + j4] = byGate[1];
      d[2 * H4 + j4] = byGate[2];
      dh[j4] = byGate[3];
    }
    workgroupBarrier();
    if (s < length) {
      for (var k = lid; k < H4; k += WG) {
        var sum = dh[k];
        for (var j = 0u; j < H; j++) {
          sum += vec4f(U[j * H4 + k]) * d[j / 4][j % 4];
          sum += vec4f(U[(H + j) * H4 + k]) * d[H4 + j / 4][j % 4];
          sum += vec4f(U[(2 * H + j) * H4 + k]) * d[2 * H4 + j / 4][j % 4];
        }
        dh[k] = sum;
      }
    }
    workgroupBarrier();
  }
  for (var j = lid; j < H; j += WG) { dh0[b * H + j] = Scalar(dh[j / 4][j % 4]); }
}
