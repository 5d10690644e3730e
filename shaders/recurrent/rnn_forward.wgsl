// h_t = tanh(gx_t + U h_{t-1} + bias), or relu (Elman 1990). gx = x W^T + its bias is computed for all steps beforehand.
// One workgroup a sequence; see lib/recurrent.inc.wgsl. Positions past a sequence's length give y = 0 and leave h as it is.
#include "lib/recurrent.inc.wgsl"
#include "lib/math.inc.wgsl"

override RELU: bool = false;

struct Params { T: u32, H: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gx: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> h0: array<Scalar>;             // [B, H]
@group(0) @binding(3) var<storage, read> U: array<vec4<Scalar>>;        // [H, 4 * H4], zeros past column H
@group(0) @binding(4) var<storage, read> bias: array<Scalar>;           // [H]
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> y: array<Scalar>;        // [B, T, H]
@group(0) @binding(7) var<storage, read_write> hLast: array<Scalar>;    // [B, H]
@group(0) @binding(8) var<storage, read_write> prev: array<Scalar>;     // [B, T, H]: h_{t-1}, for backward

var<workgroup> h: array<vec4f, 2 * H4>; // the state before and after a step, in turn

fn load(at: u32, j: u32, H: u32) -> vec4f {
  var v = vec4f();
  for (var c = 0u; c < 4 && j + c < H; c++) { v[c] = f32(h0[at + j + c]); }
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let b = wid.x;
  let length = lengthOf(b);
  for (var j4 = lid; j4 < H4; j4 += WG) { h[j4] = load(b * H, 4 * j4, H); }
  workgroupBarrier();
  for (var s = 0u; s < params.T; s++) {
    let row = (b * params.T + position(s, length)) * H;
    let before = (s % 2) * H4;
    let after = H4 - before;
    for (var j4 = lid; j4 < H4; j4 += WG) {
      let j = 4 * j4;
      var sum = vec4f();
      if (s < length) {
        for (var k = 0u; k < H4; k++) { sum += fourRows(j, H - 1, k, h[before + k]); }
      }
      let old = h[before + j4];
      var next = vec4f();
      for (var c = 0u; c < 4 && j + c < H; c++) {
        let a = sum[c] + f32(gx[row + j + c]) + f32(bias[j + c]);
        var v = old[c];
        if (s < length) { if (RELU) { v = max(a, 0.0); } else { v = tanhExact(a); } }
        next[c] = v;
        prev[row + j + c] = Scalar(old[c]);
        y[row + j + c] = Scalar(select(0.0, v, s < length));
      }
      h[after + j4] = next;
    }
    workgroupBarrier();
  }
  let last = (params.T % 2) * H4;
  for (var j = lid; j < H; j += WG) { hLast[b * H + j] = Scalar(h[last + j / 4][j % 4]); }
}
