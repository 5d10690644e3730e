// r = sigmoid(gx_r + U_r h + b_r)    z = sigmoid(gx_z + U_z h + b_z)
// n = tanh(gx_n + r * q),  q = U_n h + b_n          h_t = (1 - z) * n + z * h_{t-1}
// Cho et al. 2014, https://arxiv.org/abs/1406.1078, with the reset gate after the product, as in cuDNN and PyTorch.
// gx = x W^T + its bias is computed for all steps beforehand. One workgroup a sequence; see lib/recurrent.inc.wgsl. Positions past a
// sequence's length give y = 0 and leave h as it is.
#include "lib/recurrent.inc.wgsl"
#include "lib/math.inc.wgsl"

struct Params { T: u32, H: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gx: array<Scalar>;             // [B, T, 3, H]: r, z, n
@group(0) @binding(2) var<storage, read> h0: array<Scalar>;             // [B, H]
@group(0) @binding(3) var<storage, read> U: array<vec4<Scalar>>;        // [3, H, 4 * H4], zeros past column H
@group(0) @binding(4) var<storage, read> bias: array<Scalar>;           // [3, H]
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> y: array<Scalar>;        // [B, T, H]
@group(0) @binding(7) var<storage, read_write> hLast: array<Scalar>;    // [B, H]
@group(0) @binding(8) var<storage, read_write> gates: array<Scalar>;    // [5, B, T, H]: r, z, n, q, h_{t-1}, for backward

var<workgroup> h: array<vec4f, 2 * H4>; // the state before and after a step, in turn

fn keepGates(at: u32, stride: u32, r: f32, z: f32, n: f32, q: f32, old: f32) {
  gates[at] = Scalar(r);
  gates[at + stride] = Scalar(z);
  gates[at + 2 * stride] = Scalar(n);
  gates[at + 3 * stride] = Scalar(q);
  gates[at + 4 * stride] = Scalar(old);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let b = wid.x;
  let length = lengthOf(b);
  let stride = nwg.x * params.T * H;
  for (var j4 = lid; j4 < H4; j4 += WG) {
    var v = vec4f();
    for (var c = 0u; c < 4 && 4 * j4 + c < H; c++) { v[c] = f32(h0[b * H + 4 * j4 + c]); }
    h[j4] = v;
  }
  workgroupBarrier();
  for (var s = 0u; s < params.T; s++) {
    let t = b * params.T + position(s, length);
    let before = (s % 2) * H4;
    let after = H4 - before;
    for (var j4 = lid; j4 < H4; j4 += WG) {
      let j = 4 * j4;
      var ar = vec4f();
      var az = vec4f();
      var aq = vec4f();
      if (s < length) {
        for (var k = 0u; k < H4; k++) {
          let hk = h[before + k];
          ar += fourRows(j, 3 * H - 1, k, hk);
          az += fourRows(H + j, 3 * H - 1, k, hk);
          aq += fourRows(2 * H + j, 3 * H - 1, k, hk);
        }
      }
      let old = h[before + j4];
      var next = vec4f();
      for (var c = 0u; c < 4 && j + c < H; c++) {
        let i = j + c;
        let at = 3 * t * H + i;
        let r = sigmoid(ar[c] + f32(bias[i]) + f32(gx[at]));
        let z = sigmoid(az[c] + f32(bias[H + i]) + f32(gx[at + H]));
        let q = aq[c] + f32(bias[2 * H + i]);
        let n = tanhExact(f32(gx[at + 2 * H]) + r * q);
        let v = select(old[c], n + z * (old[c] - n), s < length);
        keepGates(t * H + i, stride, r, z, n, q, old[c]);
        y[t * H + i] = Scalar(select(0.0, v, s < length));
        next[c] = v;
      }
      h[after + j4] = next;
    }
    workgroupBarrier();
  }
  let last = (params.T % 2) * H4;
  for (var j = lid; j < H; j += WG) { hLast[b * H + j] = Scalar(h[last + j / 4][j % 4]); }
}
