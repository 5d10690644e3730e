// The gradients of gru_forward.wgsl, with g = dy_t + dh_t, dh_T = dhLast:
//   dn = g (1 - z) (1 - n^2)    dz = g (h_{t-1} - n) z (1 - z)    dr = dn q r (1 - r)    dq = dn r
//   dh_{t-1} = g z + U_r^T dr + U_z^T dz + U_n^T dq
// dgx = (dr, dz, dn) and dgh = (dr, dz, dq); dU = sum_t dgh_t h_{t-1}^T is a matrix product afterwards.
// The work is divided as lib/recurrent.inc.wgsl says, backwards in time.
// flops: B * T * H * (6 * H + 19)
#include "lib/recurrent.inc.wgsl"

@group(0) @binding(1) var<storage, read> dy: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> dhLast: array<Scalar>;         // [B, H]
@group(0) @binding(3) var<storage, read> gates: array<Scalar>;          // [5, B, T, H]: r, z, n, q, h_{t-1}
@group(0) @binding(4) var<storage, read> U: array<vec4<Scalar>>;        // [3, H, 4 * WG], zeros past column H
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> dgx: array<Scalar>;      // [B, T, 3, H]
@group(0) @binding(7) var<storage, read_write> dgh: array<Scalar>;      // [B, T, 3, H]
@group(0) @binding(8) var<storage, read_write> dh0: array<Scalar>;      // [B, H]

override DY: bool = true;      // whether there are gradients of y; zeros if not
override DH_LAST: bool = true; // and of hLast

// dr, dz or dq of the step, in turn: a column for each sequence, zeros past unit H. All three at once would need three times the memory.
var<workgroup> d: array<mat4x4f, WG>;

// dr, dz and dq of one unit at row t of [B, T], and the part of dh_{t-1} that does not go through U.
fn unit(t: u32, i: u32, dh: f32, live: bool) -> vec4f {
  let H = params.H;
  let stride = params.B * params.T * H;
  var v = vec4f(0.0, 0.0, 0.0, dh);
  var dn = 0.0;
  if (live) {
    let at = t * H + i;
    let r = f32(gates[at]);
    let z = f32(gates[at + stride]);
    let n = f32(gates[at + 2 * stride]);
    var g = dh;
    if (DY) { g += f32(dy[at]); }
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

// U_gate^T times what `own` holds for this invocation's units; all invocations must call it.
fn through(gate: u32, own: mat4x4f, lid: u32) -> mat4x4f {
  workgroupBarrier();
  d[lid] = own;
  workgroupBarrier();
  var sum = mat4x4f();
  let last = (gate + 1) * params.H - 1;
  for (var k = 0u; k < WG; k++) { sum += rows(gate * params.H + 4 * k, last, lid) * d[k]; }
  return sum;
}

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
    var dr = mat4x4f();
    var dz = mat4x4f();
    var dq = mat4x4f();
    for (var b = 0u; b < 4 && first + b < params.B; b++) {
      let length = lengthOf(first + b);
      let t = (first + b) * params.T + position(s, length);
      for (var c = 0u; c < units; c++) {
        let v = unit(t, j + c, dh[b][c], s < length);
        dr[b][c] = v.x;
        dz[b][c] = v.y;
        dq[b][c] = v.z;
        dh[b][c] = v.w;
      }
    }
    // Zeros for a sequence that has ended, whose dh stays as it is.
    dh += through(0, dr, lid) + through(1, dz, lid) + through(2, dq, lid);
  }
  for (var b = 0u; b < 4 && first + b < params.B; b++) {
    for (var c = 0u; c < units; c++) { dh0[(first + b) * H + j + c] = Scalar(dh[b][c]); }
  }
}
