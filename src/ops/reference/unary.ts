import type { Tensor } from '../../tensor.ts';
import { add, div, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { greater, greaterEqual, lessEqual, logicalAnd } from '../compare.ts';
import {
  abs,
  clamp,
  cos,
  erf,
  exp,
  neg,
  reciprocal,
  sigmoid,
  sign,
  sin,
  softplus,
  square,
  tanh,
  type UnaryOp,
} from '../unary.ts';
import { where } from '../where.ts';

/** dy times the derivative of a unary op at x, in ordinary ops; for those of unary.ts's FROM_Y, x is y. `a` and `b` are the op's constants. */
type Derivative = (dy: Tensor, x: Tensor, a: number, b: number) => Tensor;

const zeros: Derivative = (dy) => mul(dy, 0);
const within = (x: Tensor, low: number, high: number): Tensor => logicalAnd(greaterEqual(x, low), lessEqual(x, high));

/** The derivatives of unary_backward.wgsl, for gradients of gradients. */
export const derivatives: Readonly<Record<UnaryOp, Derivative>> = {
  EXP: (dy, y) => mul(dy, y),
  EXPM1: (dy, y) => mul(dy, add(y, 1)),
  SQRT: (dy, y) => mul(div(dy, y), 0.5),
  RSQRT: (dy, y) => mul(mul(dy, mul(square(y), y)), -0.5),
  RECIPROCAL: (dy, y) => neg(mul(dy, square(y))),
  TAN: (dy, y) => mul(dy, add(square(y), 1)),
  TANH: (dy, y) => mul(dy, sub(1, square(y))),
  SIGMOID: (dy, y) => mul(dy, mul(y, sub(1, y))),

  NEG: (dy) => neg(dy),
  ABS: (dy, x) => mul(dy, sign(x)),
  SIGN: zeros,
  FLOOR: zeros,
  CEIL: zeros,
  ROUND: zeros,
  LOG: (dy, x) => div(dy, x),
  LOG1P: (dy, x) => div(dy, add(x, 1)),
  SQUARE: (dy, x) => mul(mul(dy, x), 2),
  SIN: (dy, x) => mul(dy, cos(x)),
  COS: (dy, x) => neg(mul(dy, sin(x))),
  HARD_SIGMOID: (dy, x, a, b) => mul(where(within(add(mul(x, a), b), 0, 1), dy, 0), a),
  RELU: (dy, x) => where(greater(x, 0), dy, 0),
  LEAKY_RELU: (dy, x, a) => where(greater(x, 0), dy, mul(dy, a)),
  ELU: (dy, x, a, b) => where(greater(x, 0), mul(dy, b), mul(dy, mul(exp(clamp(x, undefined, 0)), a * b))),
  SILU: (dy, x) => {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(1, mul(x, sub(1, s)))));
  },
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
    const c = 2 * Math.sqrt(2 / Math.PI);
    const s = sigmoid(mul(mul(x, add(mul(square(x), 0.044715), 1)), c));
    const inner = mul(add(mul(square(x), 3 * 0.044715), 1), c);
    return mul(dy, add(s, mul(mul(x, inner), mul(s, sub(1, s)))));
  },
  SOFTPLUS: (dy, x) => mul(dy, sigmoid(x)),
  SOFTSIGN: (dy, x) => mul(dy, reciprocal(square(add(abs(x), 1)))),
  ERF: (dy, x) => mul(mul(dy, exp(neg(square(x)))), 2 / Math.sqrt(Math.PI)),
  CLAMP: (dy, x, low, high) => where(within(x, low, high), dy, 0),
};
