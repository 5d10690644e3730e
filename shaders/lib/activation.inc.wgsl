// The activations that a kernel can apply to what it writes; ACTIVATION says which. Needs lib/math.inc.wgsl.
override ACTIVATION: u32 = 0;
const NONE = 0u; // op
const RELU = 1u; // op
const TANH = 2u; // op
const SIGMOID = 3u; // op
const GELU = 4u; // op
const GELU_TANH = 5u; // op
const SILU = 6u; // op

fn activate(v: f32) -> f32 {
  switch (ACTIVATION) {
    case RELU: { return max(v, 0.0); }
    case TANH: { return tanhExact(v); }
    case SIGMOID: { return sigmoid(v); }
    case GELU: { return gelu(v); }
    case GELU_TANH: { return geluTanh(v); }
    case SILU: { return v * sigmoid(v); }
    default: { return v; }
  }
}

fn activate4(v: vec4f) -> vec4f {
  if (ACTIVATION == NONE) { return v; }
  if (ACTIVATION == RELU) { return max(v, vec4f()); }
  var y = v;
  for (var i = 0u; i < 4u; i++) { y[i] = activate(y[i]); } // a loop, for compilers that inline all they see
  return y;
}
