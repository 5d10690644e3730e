// y = f(x), element-wise, four elements an invocation; OP says which f. Formulas and derivatives stand side by side with unary_backward.wgsl.
// flops: size
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/trig.inc.wgsl"
#include "lib/unary_ops.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;

struct Params { size: u32, a: f32, b: f32 } // a, b: constants of the op, see src/ops/unary.ts
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;        // [size]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>;  // [size]

fn f(v: f32) -> f32 {
  switch (OP) {
    case NEG: { return -v; }
    case ABS: { return abs(v); }
    case SIGN: { return sign(v); }
    case FLOOR: { return floor(v); }
    case CEIL: { return ceil(v); }
    case ROUND: { return round(v); }
    case EXP: { return expExact(v); }
    case EXPM1: { return expm1(v); }
    case LOG: { return logExact(v); }
    case LOG1P: { return log1p(v); }
    case SQRT: { return sqrt(v); }
    case RSQRT: { return inverseSqrt(v); }
    case SQUARE: { return v * v; }
    case RECIPROCAL: { return 1.0 / v; }
    case SIN: { return sinExact(v); }
    case COS: { return cosExact(v); }
    case TAN: { return tanExact(v); }
    case TANH: { return tanhExact(v); }
    case SIGMOID: { return sigmoid(v); }
    case HARD_SIGMOID: { return clamp(params.a * v + params.b, 0.0, 1.0); }
    case RELU: { return max(v, 0.0); }
    case LEAKY_RELU: { return select(params.a * v, v, v > 0.0); }
    case ELU: { return params.b * select(params.a * expm1(min(v, 0.0)), v, v > 0.0); }
    case SILU: { return v * sigmoid(v); }
    // Clamped before it is divided: NVIDIA's compiler makes v / 6 + 0.5 of (v + 3) / 6, which has lost its digits near -3.
    case HARD_SWISH: { return v * (clamp(v + 3.0, 0.0, 6.0) / 6.0); }
    case MISH: { return v * tanhExact(softplus(v)); }
    case GELU: { return gelu(v); }
    case GELU_TANH: { return geluTanh(v); }
    case SOFTPLUS: { return softplus(v); }
    // What is divided by may have a subnormal reciprocal, which GPUs take for 0.
    case SOFTSIGN: { return select(v / (1.0 + abs(v)), sign(v), abs(v) > 1e8); }
    case ERF: { return erfExact(v); }
    case CLAMP: { return clamp(v, params.a, params.b); }
    default: { return v; }
  }
}

// max, clamp and comparisons would drop a NaN.
fn g(v: f32) -> f32 { return select(f(v), v, isNan(v)); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let v = vec4f(x[i]);
  let r = vec4<Scalar>(vec4f(g(v.x), g(v.y), g(v.z), g(v.w)));
  if (left >= 4) { y[i] = r; } else { for (var k = 0u; k < left; k++) { y[i][k] = r[k]; } }
}
