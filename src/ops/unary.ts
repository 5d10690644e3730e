import { record, recording } from '../autograd/tape.ts';
import { unaryBackward, unaryInt, unary as unaryKernel } from '../generated/kernels.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkDType, checkFloat, checkNumber, checkTensor } from './check.ts';
import { derivatives } from './reference/unary.ts';

export type UnaryOp = keyof typeof unaryKernel.ops;

/** The ops whose derivative is written in y = f(x), so that x need not be kept. */
const FROM_Y: ReadonlySet<UnaryOp> = new Set(['EXP', 'EXPM1', 'SQRT', 'RSQRT', 'RECIPROCAL', 'TAN', 'TANH', 'SIGMOID']);

/** One run of unary.wgsl; `a` and `b` are the op's constants. */
function unary(name: string, op: UnaryOp, x: Tensor, a = 0, b = 0): Tensor {
  checkFloat(name, 'x', x);
  const { gpu, size } = x;
  const y = gpu.empty(x.shape, x.dtype, name);
  const OP = unaryKernel.ops[op];
  dispatch(gpu, unaryKernel, { x, y }, { size, a, b }, grid(size, 1024), { OP });
  record({
    op: name,
    inputs: [x],
    outputs: [y],
    saved: [FROM_Y.has(op) ? y : x],
    backward: ([dy], [v]) => {
      const [g, x] = [dy, v] as [Tensor, Tensor];
      if (recording()) return [derivatives[op](g, x, a, b)];
      const dx = g.gpu.empty(g.shape, g.dtype, name);
      dispatch(g.gpu, unaryBackward, { dy: g, x, dx }, { size, a, b }, grid(size, 1024), { OP });
      return [dx];
    },
    plain: 'composed',
  });
  return y;
}

/** The same for the ops that integers have too. */
function arithmetic(name: string, op: keyof typeof unaryInt.ops, x: Tensor, a = 0, b = 0): Tensor {
  checkDType(name, 'x', x, 'f32', 'f16', 'i32', 'u32');
  if (x.dtype === 'f32' || x.dtype === 'f16') return unary(name, op, x, a, b);
  const y = x.gpu.empty(x.shape, x.dtype, name);
  dispatch(x.gpu, unaryInt, { x, y }, { size: x.size, a, b }, grid(x.size, 1024), { OP: unaryInt.ops[op] });
  return y;
}

/** -x. @param x any shape; f32, f16 or i32. */
export function neg(x: Tensor): Tensor {
  checkDType('neg', 'x', x, 'f32', 'f16', 'i32');
  return arithmetic('neg', 'NEG', x);
}
/** |x|; the gradient at 0 is 0, and |-2^31| of i32 is -2^31. @param x any shape; f32, f16, i32 or u32. */
export const abs = (x: Tensor): Tensor => arithmetic('abs', 'ABS', x);
/** -1, 0 or 1; the gradient is 0. @param x any shape; f32, f16, i32 or u32. */
export const sign = (x: Tensor): Tensor => arithmetic('sign', 'SIGN', x);
/** x^2; integers wrap around. @param x any shape; f32, f16, i32 or u32. */
export const square = (x: Tensor): Tensor => arithmetic('square', 'SQUARE', x);
/** max(x, 0); the gradient at 0 is 0. @param x any shape; f32, f16, i32 or u32. */
export const relu = (x: Tensor): Tensor => arithmetic('relu', 'RELU', x);

/**
 * x kept within [min, max]; the gradient is that of x inside and at the ends, 0 outside.
 *
 * @param x   any shape; f32, f16, i32 or u32
 * @param min default none; @param max likewise
 * @throws ArgumentError when min > max, or an end is not a value of an integer dtype
 */
export function clamp(x: Tensor, min?: number, max?: number): Tensor {
  checkTensor('clamp', 'x', x);
  const [low, high] = {
    f32: [-Infinity, Infinity],
    f16: [-Infinity, Infinity],
    i32: [-(2 ** 31), 2 ** 31 - 1],
    u32: [0, 2 ** 32 - 1],
    bool: [0, 1],
  }[x.dtype];
  const [a, b] = [min ?? (low as number), max ?? (high as number)];
  checkNumber('clamp', a, x.dtype, 'min');
  checkNumber('clamp', b, x.dtype, 'max');
  if (!(a <= b)) throw new ArgumentError('clamp', `min must not be greater than max, got ${a} and ${b}`);
  return arithmetic('clamp', 'CLAMP', x, a, b);
}

/** The largest whole number <= x; the gradient is 0. @param x any shape, f32 or f16. */
export const floor = (x: Tensor): Tensor => unary('floor', 'FLOOR', x);
/** The smallest whole number >= x; the gradient is 0. @param x any shape, f32 or f16. */
export const ceil = (x: Tensor): Tensor => unary('ceil', 'CEIL', x);
/** The nearest whole number, the even one of two; the gradient is 0. @param x any shape, f32 or f16. */
export const round = (x: Tensor): Tensor => unary('round', 'ROUND', x);
/** e^x. @param x any shape, f32 or f16. */
export const exp = (x: Tensor): Tensor => unary('exp', 'EXP', x);
/** e^x - 1, without cancellation near 0. @param x any shape, f32 or f16. */
export const expm1 = (x: Tensor): Tensor => unary('expm1', 'EXPM1', x);
/** The natural logarithm; -Infinity at 0, NaN below. @param x any shape, f32 or f16. */
export const log = (x: Tensor): Tensor => unary('log', 'LOG', x);
/** log(1 + x), without cancellation near 0. @param x any shape, f32 or f16. */
export const log1p = (x: Tensor): Tensor => unary('log1p', 'LOG1P', x);
/** The square root; NaN below 0. @param x any shape, f32 or f16. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', 'SQRT', x);
/** 1 / sqrt(x). @param x any shape, f32 or f16. */
export const rsqrt = (x: Tensor): Tensor => unary('rsqrt', 'RSQRT', x);
/** 1 / x. @param x any shape, f32 or f16. */
export const reciprocal = (x: Tensor): Tensor => unary('reciprocal', 'RECIPROCAL', x);
/** @param x in radians; any shape, f32 or f16. */
export const sin = (x: Tensor): Tensor => unary('sin', 'SIN', x);
/** @param x in radians; any shape, f32 or f16. */
export const cos = (x: Tensor): Tensor => unary('cos', 'COS', x);
/** @param x in radians; any shape, f32 or f16. */
export const tan = (x: Tensor): Tensor => unary('tan', 'TAN', x);
/** The hyperbolic tangent. @param x any shape, f32 or f16. */
export const tanh = (x: Tensor): Tensor => unary('tanh', 'TANH', x);
/** 1 / (1 + e^-x). @param x any shape, f32 or f16. */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', 'SIGMOID', x);
/** slope * x + offset kept within [0, 1]; defaults 1/6 and 1/2, as in PyTorch. @param x any shape, f32 or f16. */
export const hardSigmoid = (x: Tensor, { slope = 1 / 6, offset = 0.5 } = {}): Tensor =>
  unary('hardSigmoid', 'HARD_SIGMOID', x, slope, offset);
/** x where it is positive, else slope * x (default 0.01). @param x any shape, f32 or f16. */
export const leakyRelu = (x: Tensor, { slope = 0.01 } = {}): Tensor => unary('leakyRelu', 'LEAKY_RELU', x, slope);
/** x where it is positive, else alpha (e^x - 1), alpha 1 by default (Clevert et al., 2016). @param x any shape, f32 or f16. */
export const elu = (x: Tensor, { alpha = 1 } = {}): Tensor => unary('elu', 'ELU', x, alpha, 1);
/** elu with the scale and alpha that keep mean 0 and variance 1 (Klambauer et al., 2017). @param x any shape, f32 or f16. */
export const selu = (x: Tensor): Tensor => unary('selu', 'ELU', x, 1.6732632423543772, 1.0507009873554805);
/** x sigmoid(x), also known as swish. @param x any shape, f32 or f16. */
export const silu = (x: Tensor): Tensor => unary('silu', 'SILU', x);
/** x hardSigmoid(x) (Howard et al., 2019). @param x any shape, f32 or f16. */
export const hardSwish = (x: Tensor): Tensor => unary('hardSwish', 'HARD_SWISH', x);
/** x tanh(softplus(x)) (Misra, 2019). @param x any shape, f32 or f16. */
export const mish = (x: Tensor): Tensor => unary('mish', 'MISH', x);
/** log(1 + e^x), without overflow. @param x any shape, f32 or f16. */
export const softplus = (x: Tensor): Tensor => unary('softplus', 'SOFTPLUS', x);
/** x / (1 + |x|). @param x any shape, f32 or f16. */
export const softsign = (x: Tensor): Tensor => unary('softsign', 'SOFTSIGN', x);
/** The error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x. @param x any shape, f32 or f16. */
export const erf = (x: Tensor): Tensor => unary('erf', 'ERF', x);

/**
 * x P(X <= x) for a standard normal X (Hendrycks and Gimpel, 2016).
 *
 * @param x           any shape, f32 or f16
 * @param approximate 'none' (default): x (1 + erf(x / sqrt 2)) / 2; 'tanh': x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2
 */
export function gelu(x: Tensor, { approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}): Tensor {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new ArgumentError('gelu', `approximate must be 'none' or 'tanh', got '${approximate}'`);
  return unary('gelu', approximate === 'tanh' ? 'GELU_TANH' : 'GELU', x);
}
