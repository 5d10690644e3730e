// dx = dy * f'(x), element-wise, four elements an invocation, where y = f(x); OP says which f. The first group of derivatives is written in y.
// flops: 2 * size
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/trig.inc.wgsl"
#include "lib/unary_ops.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, a: f32, b: f32 } // as in unary.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<Scalar>>;       // [size]
@group(0) @binding(2) var<storage, read> x: array<vec4<Scalar>>;        // [size]; y where the derivative is written in y
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<Scalar>>; // [size]

fn derivative(v: f32) -> f32 {
  switch (OP) {
    case EXP: { return v; }
    case EXPM1: { return v + 1.0; }
    case SQRT: { return 0.5 / v; }
    case RSQRT: { return -0.5 * v * v * v; }
    case RECIPROCAL: { return -v * v; }
    case TAN: { return 1.0 + v * v; }
    case TANH: { return 1.0 - v * v; }
    case SIGMOID: { return v * (1.0 - v); }

    case NEG: { return -1.0; }
    case ABS: { return sign(v); }
    case SIGN, FLOOR, CEIL, ROUND: { return 0.0; }
    case LOG: { return 1.0 / v; }
    case LOG1P: { return 1.0 / (1.0 + v); }
    case SQUARE: { return 2.0 * v; }
    case SIN: { return cosExact(v); }
    case COS: { return -sinExact(v); }
    case HARD_SIGMOID: { let t = params.a * v + params.b; return select(0.0, params.a, t >= 0.0 && t <= 1.0); }
    case RELU: { return select(0.0, 1.0, v > 0.0); }
    case LEAKY_RELU: { return select(params.a, 1.0, v > 0.0); }
    case ELU: { return params.b * select(params.a * expExact(min(v, 0.0)), 1.0, v > 0.0); }
    case SILU: { let s = sigmoid(v); return s * (1.0 + v * (1.0 - s)); }
    case HARD_SWISH: { return select(select(0.0, 1.0, v > 0.0), v / 3.0 + 0.5, abs(v) <= 3.0); }
    case MISH: { let t = tanhExact(softplus(v)); return t + v * (1.0 - t * t) * sigmoid(v); }
    case GELU: { return normalCdf(v) + v * 0.3989422804 * expMinusSquare(v, 0.5); }
    case GELU_TANH: {
      let s = sigmoid(geluInner(v));
      return s + v * s * (1.0 - s) * 1.5957691216 * (1.0 + 0.134145 * v * v);
    }
    case SOFTPLUS: { return sigmoid(v); }
    case SOFTSIGN: { let t = 1.0 / (1.0 + abs(v)); return t * t; }
    case ERF: { return 1.1283791671 * expMinusSquare(v, 1.0); }
    case CLAMP: { return select(0.0, 1.0, v >= params.a && v <= params.b); }
    default: { return 1.0; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let v = vec4f(x[i]);
  let d = vec4<Scalar>(vec4f(dy[i]) * vec4f(derivative(v.x), derivative(v.y), derivative(v.z), derivative(v.w)));
  if (left >= 4) { dx[i] = d; } else { for (var k = 0u; k < left; k++) { dx[i][k] = d[k]; } }
}
