// dx = dy * f'(x), element-wise; y = f(x) where the derivative is simpler or safer in it.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/unary_ops.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, a: f32, b: f32 } // as in unary.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;       // [size]
@group(0) @binding(2) var<storage, read> x: array<Scalar>;        // [size]
@group(0) @binding(3) var<storage, read> y: array<Scalar>;        // [size]
@group(0) @binding(4) var<storage, read_write> dx: array<Scalar>; // [size]

fn derivative(v: f32, r: f32) -> f32 {
  switch (OP) {
    case NEG: { return -1.0; }
    case ABS: { return sign(v); }
    case SIGN, FLOOR, CEIL, ROUND: { return 0.0; }
    case EXP: { return r; }
    case EXPM1: { return r + 1.0; }
    case LOG: { return 1.0 / v; }
    case LOG1P: { return 1.0 / (1.0 + v); }
    case SQRT: { return 0.5 / r; }
    case RSQRT: { return -0.5 * r / v; }
    case SQUARE: { return 2.0 * v; }
    case RECIPROCAL: { return -r * r; }
    case SIN: { return cos(v); }
    case COS: { return -sin(v); }
    case TAN: { return 1.0 + r * r; }
    case TANH: { return 1.0 - r * r; }
    case SIGMOID: { return r * (1.0 - r); }
    case HARD_SIGMOID: { let t = params.a * v + params.b; return select(0.0, params.a, t >= 0.0 && t <= 1.0); }
    case RELU: { return select(0.0, 1.0, v > 0.0); }
    case LEAKY_RELU: { return select(params.a, 1.0, v > 0.0); }
    case ELU: { return params.b * select(params.a * exp(min(v, 0.0)), 1.0, v > 0.0); }
    case SILU: { let s = sigmoid(v); return s * (1.0 + v * (1.0 - s)); }
    case HARD_SWISH: { return select(select(0.0, 1.0, v > 0.0), v / 3.0 + 0.5, abs(v) <= 3.0); }
    case MISH: { let t = tanhExact(softplus(v)); return t + v * (1.0 - t * t) * sigmoid(v); }
    case GELU: { return 0.5 * (1.0 + erfExact(v * SQRT_HALF)) + 0.5 * v * SQRT_2_OVER_PI * exp(-0.5 * v * v); }
    case GELU_TANH: {
      let t = tanhExact(geluInner(v));
      return 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * SQRT_2_OVER_PI * (1.0 + 0.134145 * v * v);
    }
    case SOFTPLUS: { return sigmoid(v); }
    case SOFTSIGN: { let t = 1.0 / (1.0 + abs(v)); return t * t; }
    case ERF: { return 2.0 * 0.5641895835 * exp(-v * v); }
    case CLAMP: { return select(0.0, 1.0, v >= params.a && v <= params.b); }
    default: { return 1.0; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i < params.size) { dx[i] = Scalar(f32(dy[i]) * derivative(f32(x[i]), f32(y[i]))); }
}
