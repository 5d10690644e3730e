// The ops of unary.wgsl and unary_backward.wgsl.
override OP: u32 = 0;
const NEG = 0u; // op
const ABS = 1u; // op
const EXP = 2u; // op
const LOG = 3u; // op
const SQRT = 4u; // op
const RSQRT = 5u; // op
const SQUARE = 6u; // op
const RECIPROCAL = 7u; // op
const SIN = 8u; // op
const COS = 9u; // op
const TANH = 10u; // op
const SIGMOID = 11u; // op
const RELU = 12u; // op
const LEAKY_RELU = 13u; // op
const ELU = 14u; // op
const SILU = 15u; // op
const GELU = 16u; // op
const GELU_TANH = 17u; // op
const SOFTPLUS = 18u; // op
const ERF = 19u; // op
const CLAMP = 20u; // op

const SQRT_HALF = 0.70710678118;
const SQRT_2_OVER_PI = 0.79788456080;

fn geluInner(v: f32) -> f32 { return SQRT_2_OVER_PI * (v + 0.044715 * v * v * v); }
