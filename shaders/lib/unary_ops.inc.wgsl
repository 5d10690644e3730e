// The ops of unary.wgsl and unary_backward.wgsl.
override OP: u32 = 0;
const NEG = 0u; // op
const ABS = 1u; // op
const SIGN = 2u; // op
const FLOOR = 3u; // op
const CEIL = 4u; // op
const ROUND = 5u; // op
const EXP = 6u; // op
const EXPM1 = 7u; // op
const LOG = 8u; // op
const LOG1P = 9u; // op
const SQRT = 10u; // op
const RSQRT = 11u; // op
const SQUARE = 12u; // op
const RECIPROCAL = 13u; // op
const SIN = 14u; // op
const COS = 15u; // op
const TAN = 16u; // op
const TANH = 17u; // op
const SIGMOID = 18u; // op
const HARD_SIGMOID = 19u; // op
const RELU = 20u; // op
const LEAKY_RELU = 21u; // op
const ELU = 22u; // op
const SILU = 23u; // op
const HARD_SWISH = 24u; // op
const MISH = 25u; // op
const GELU = 26u; // op
const GELU_TANH = 27u; // op
const SOFTPLUS = 28u; // op
const SOFTSIGN = 29u; // op
const ERF = 30u; // op
const CLAMP = 31u; // op

const SQRT_HALF = 0.70710678118;
const SQRT_2_OVER_PI = 0.79788456080;

fn geluInner(v: f32) -> f32 { return SQRT_2_OVER_PI * (v + 0.044715 * v * v * v); }
