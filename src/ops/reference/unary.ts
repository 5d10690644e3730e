import type { Tensor } from '../../tensor.ts';
import { add, div, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { greater, greaterEqual, lessEqual, logicalAnd } from '../compare.ts';
import {
  abs, cos, erf, exp, neg, reciprocal, sigmoid, sign, sin, softplus, square, tanh, type UnaryOp,
} from '../unary.ts';
import { where } from '../where.ts';

/** dy times the derivative of a unary op at x, where its value was y, in ordinary ops; `a` and `b` are the op's constants. */
type Derivative = (dy: Tensor, x: Tensor, y: Tensor, a: number, b: number) => Tensor;

const zeros: Derivative = (dy) => mul(dy, 0);
const within = (x: Tensor, low: number, high: number): Tensor => logicalAnd(greaterEqual(x, low), lessEqual(x, high));
/** s(x) + x s'(x), where s is the sigmoid. */
const siluSlope = (x: Tensor): Tensor => {
  const s = sigmoid(x);
  return mul(s, add(1, mul(x, sub(1, s))));
};

/** The derivatives of unary_backward.wgsl, for gradients of gradients. */
export const derivatives: Readonly<Record<UnaryOp, Derivative>> = {
  NEG: neg,
  ABS: (dy, x) => mul(dy, sign(x)),
  SIGN: zeros,
  FLOOR: zeros,
  CEIL: zeros,
  ROUND: zeros,
  EXP: (dy, _, y) => mul(dy, y),
  EXPM1: (dy, _, y) => mul(dy, add(y, 1)),
  LOG: (dy, x) => div(dy, x),
  LOG1P: (dy, x) => div(dy, add(x, 1)),
  SQRT: (dy, _, y) => mul(div(dy, y), 0.5),
  RSQRT: (dy, x, y) => mul(div(mul(dy, y), x), -0.5),
  SQUARE: (dy, x) => mul(mul(dy, x), 2),
  RECIPROCAL: (dy, _, y) => neg(mul(dy, square(y))),
  SIN: (dy, x) => mul(dy, cos(x)),
  COS: (dy, x) => neg(mul(dy, sin(x))),
  TAN: (dy, _, y) => mul(dy, add(square(y), 1)),
  TANH: (dy, _, y) => mul(dy, sub(1, square(y))),
  SIGMOID: (dy, _, y) => mul(dy, mul(y, sub(1, y))),
  HARD_SIGMOID: (dy, x, _, a, b) => mul(where(within(add(mul(x, a), b), 0, 1), dy, 0), a),
  RELU: (dy, x) => where(greater(x, 0), dy, 0),
  LEAKY_RELU: (dy, x, _, a) => where(greater(x, 0), dy, mul(dy, a)),
  ELU: (dy, x, y, a, b) => where(greater(x, 0), mul(dy, b), mul(dy, add(y, a * b))),
  SILU: (dy, x) => mul(dy, siluSlope(x)),
  HARD_SWISH: (dy, x) => mul(dy, where(within(x, -3, 3), add(mul(x, 1 / 3), 0.5), cast(greater(x, 0), x.dtype))),
  MISH: (dy, x) => {
    const t = tanh(softplus(x));
    return mul(dy, add(t, mul(mul(x, sub(1, square(t))), sigmoid(x))));
  },
  GELU: (dy, x) => {
    const cdf = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(dy, add(cdf, mul(x, density)));
  },
  GELU_TANH: (dy, x) => {
    const c = Math.sqrt(2 / Math.PI);
    const t = tanh(mul(mul(x, add(mul(square(x), 0.044715), 1)), c));
    const inner = mul(add(mul(square(x), 3 * 0.044715), 1), c);
    return mul(dy, mul(add(add(t, 1), mul(mul(x, sub(1, square(t))), inner)), 0.5));
  },
  SOFTPLUS: (dy, x) => mul(dy, sigmoid(x)),
  SOFTSIGN: (dy, x) => mul(dy, reciprocal(square(add(abs(x), 1)))),
  ERF: (dy, x) => mul(mul(dy, exp(neg(square(x)))), 2 / Math.sqrt(Math.PI)),
  CLAMP: (dy, x, _, low, high) => where(within(x, low, high), dy, 0),
};
