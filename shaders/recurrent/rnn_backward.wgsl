// With a_t the argument of tanh (or relu) in rnn_forward.wgsl and dh_T = dhLast:
//   da_t = (dy_t + dh_t) * tanh'(a_t),   dh_{t-1} = U^T da_t
// da is the gradient of gx and of U h + bias alike; dU = sum_t da_t h_{t-1}^T is a matrix product afterwards.
// One workgroup a sequence, backwards in time.
#include "lib/recurrent.inc.wgsl"

override RELU: bool = false;

struct Params { T: u32, H: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;             // [B, T, H]
@group(0) @binding(2) var<storage, read> dhLast: array<Scalar>;         // [B, H]
@group(0) @binding(3) var<storage, read> y: array<Scalar>;              // [B, T, H]
@group(0) @binding(4) var<storage, read> U: array<vec4<Scalar>>;        // [H, 4 * H4], zeros past column H
@group(0) @binding(5) var<storage, read> lengths: array<Index>;         // [B]
@group(0) @binding(6) var<storage, read_write> da: array<Scalar>;       // [B, T, H]
@group(0) @binding(7) var<storage, read_write> dh0: array<Scalar>;      // [B, H]

var<workgroup> dh: array<vec4f, H4>;
var<workgroup> d: array<vec4f, H4>; // da of the step

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let H = params.H;
  let b = wid.x;
  let length = lengthOf(b);
  for (var j4 = lid; j4 < H4; j4 += WG) {
    var v = vec4f();
    for (var c = 0u; c < 4 && 4 * j4 + c < H; c++) { v[c] = f32(dhLast[b * H + 4 * j4 + c]); }
    dh[j4] = v;
  }
  for (var i = 0u; i < params.T; i++) {
    let s = params.T - 1 - i;
    let row = (b * params.T + position(s, length)) * H;
    for (var j4 = lid; j4 < H4; j4 += WG) {
      let j = 4 * j4;
      let dhj = dh[j4];
      var v = vec4f();
      for (var c = 0u; c < 4 && j + c < H; c++) {
        if (s < length) {
          let r = f32(y[row + j + c]);
          var slope = 1.0 - r * r;
          if (RELU) { slope = select(0.0, 1.0, r > 0.0); }
          v[c] = (f32(dy[row + j + c]) + dhj[c]) * slope;
        }
        da[row + j + c] = Scalar(v[c]);
      }
      d[j4] = v;
    }
    workgroupBarrier();
    if (s < length) {
      for (var k = lid; k < H4; k += WG) {
        var sum = vec4f();
        for (var j = 0u; j < H; j++) { sum += vec4f(U[j * H4 + k]) * d[j / 4][j % 4]; }
        dh[k] = sum;
      }
    }
    workgroupBarrier();
  }
  for (var j = lid; j < H; j += WG) { dh0[b * H + j] = Scalar(dh[j / 4][j % 4]); }
}
