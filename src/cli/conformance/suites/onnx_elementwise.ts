// ONNX operators that work element by element, and the products of matrices.
import {
  abs,
  add,
  cast,
  cos,
  div,
  elu,
  erf,
  exp,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  matmul,
  maximum,
  minimum,
  mish,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  selu,
  sigmoid,
  silu,
  sin,
  softplus,
  softsign,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, Unsupported } from '../args.ts';
import { alignAt, allInputs, celu, clip, fold, gemm, prelu, scaledElu, swish, thresholdedRelu } from '../semantics.ts';

const unary =
  (f: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(x.t(0));

/** Before version 7 the second operand was aligned at `axis`, and only with `broadcast`. */
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (x) => {
    const [a, b] = [x.t(0), x.t(1)];
    x.ignore('broadcast');
    return f(a, x.has('axis') ? alignAt(a, b, x.num('axis')) : b);
  };

/** The result has the base's type, whatever the exponent's. */
function power(x: Args): Tensor {
  const [base, exponent] = [x.t(0), x.t(1)];
  if (base.dtype === exponent.dtype || base.dtype === 'f32') return pow(base, cast(exponent, base.dtype));
  return exponent.dtype === 'f32'
    ? cast(pow(cast(base, 'f32'), exponent), base.dtype)
    : pow(base, cast(exponent, base.dtype));
}

const SELU = { alpha: 1.6732631921768188, gamma: 1.0507010221481323 };

function scaledEluOrSelu(x: Args): Tensor {
  const alpha = x.num('alpha', SELU.alpha);
  const gamma = x.num('gamma', SELU.gamma);
  const usual = Math.abs(alpha - SELU.alpha) < 1e-6 && Math.abs(gamma - SELU.gamma) < 1e-6;
  return usual ? selu(x.t(0)) : scaledElu(x.t(0), alpha, gamma);
}

function approximation(x: Args): 'none' | 'tanh' {
  const name = x.str('approximate', 'none');
  if (name !== 'none' && name !== 'tanh') throw new Unsupported(`approximate ${name}`);
  return name;
}

/** A bound, given as an input or, before version 11, as an attribute. */
const bound = (x: Args, slot: number, name: string): number | undefined =>
  x.has(slot) ? x.num(slot) : x.has(name) ? x.num(name) : undefined;

export const elementwise: Operators = {
  Abs: unary(abs),
  Neg: unary(neg),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Reciprocal: unary(reciprocal),
  Sin: unary(sin),
  Cos: unary(cos),
  Tanh: unary(tanh),
  Sigmoid: unary(sigmoid),
  Erf: unary(erf),
  Relu: unary(relu),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  Mish: unary(mish),
  HardSwish: unary(hardSwish),
  LeakyRelu: (x) => leakyRelu(x.t(0), { slope: x.num('alpha', 0.01) }),
  Elu: (x) => elu(x.t(0), { alpha: x.num('alpha', 1) }),
  Celu: (x) => celu(x.t(0), x.num('alpha', 1)),
  Selu: scaledEluOrSelu,
  Gelu: (x) => gelu(x.t(0), { approximate: approximation(x) }),
  HardSigmoid: (x) => hardSigmoid(x.t(0), { slope: x.num('alpha', 0.2), offset: x.num('beta', 0.5) }),
  ThresholdedRelu: (x) => thresholdedRelu(x.t(0), x.num('alpha', 1)),
  // Before version 7 a slope for each channel.
  PRelu: (x) => prelu(x.t(0), x.num('opset') < 7 && x.t(1).size > 1 ? alignAt(x.t(0), x.t(1), 1) : x.t(1)),
  Swish: (x) => swish(x.t(0), x.num('alpha', 1)),
  SwiGLU: (x) => mul(x.has('alpha') ? swish(x.t(0), x.num('alpha')) : silu(x.t(0)), x.t(1)),
  Clip: (x) => clip(x.t(0), bound(x, 1, 'min'), bound(x, 2, 'max')),

  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Pow: power,
  Max: fold(maximum),
  Min: fold(minimum),
  Sum: fold(add),
  Mean: (x) => div(allInputs(x).reduce(add), allInputs(x).length),
  Where: (x) => where(x.t(0), x.t(1), x.t(2)),

  MatMul: binary(matmul),
  Gemm: (x) =>
    gemm(x.t(0), x.t(1), x.ignore('broadcast').opt(2), {
      alpha: x.num('alpha', 1),
      beta: x.num('beta', 1),
      transposeA: x.flag('transA'),
      transposeB: x.flag('transB'),
    }),
};
