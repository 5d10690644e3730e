// TensorFlow.js operators element by element, products of matrices and what networks need; arguments by position, those of `fused` by name.
import {
  type Activation,
  abs,
  add,
  cast,
  ceil,
  clamp,
  cos,
  crossEntropy,
  div,
  dropout,
  elu,
  equal,
  erf,
  exp,
  expandDims,
  expm1,
  floor,
  greater,
  greaterEqual,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  logSoftmax,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  reciprocal,
  relu,
  round,
  rsqrt,
  selu,
  sigmoid,
  sign,
  sin,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  type Tensor,
  tan,
  tanh,
  where,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, Unsupported } from '../args.ts';
import { cosh, logSigmoid, prelu, sinh, squaredDifference } from '../semantics.ts';
import { float, number, promote, withoutNaN } from './tfjs_types.ts';

const unary =
  (f: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(float(x.t(0)));

const numeric =
  (f: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(number(x.t(0)));

const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (x) => {
    const [a, b] = promote(x.t(0), x.t(1));
    return f(number(a), number(b));
  };

const logical =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (x) =>
    f(cast(x.t(0, 'bool'), 'bool'), cast(x.t(1, 'bool'), 'bool'));

/** The quotient of integers is rounded down. */
const floorDivide = (a: Tensor, b: Tensor): Tensor => {
  const quotient = floor(div(float(a), float(b)));
  return a.dtype === 'f32' ? quotient : cast(quotient, 'i32');
};

const divide = (a: Tensor, b: Tensor): Tensor => (a.dtype === 'f32' ? div(a, b) : floorDivide(a, b));

/** A condition that stands second is the form of a method: a.where(condition, b). */
function chosen(x: Args): Tensor {
  const [a, condition] = typeof x.raw(1) === 'boolean' ? [0, 1] : [1, 0];
  return where(cast(x.t(condition, 'bool'), 'bool'), ...promote(x.t(a), x.t(2)));
}

/** What `compute` gives, with the bias and activation of a `fused` operator: in it where Fovea's op can, else after it. */
export function fused(
  x: Args,
  compute: (following: { bias?: Tensor; activation?: Activation }) => Tensor,
  slopesOf = (slopes: Tensor) => slopes,
): Tensor {
  const activation = x.ignore('leakyreluAlpha').str('activation', 'linear');
  const bias = x.opt('bias');
  const inside = activation === 'relu' || activation === 'sigmoid';
  const y = compute({ ...(bias && { bias }), ...(inside && { activation }) });
  if (inside || activation === 'linear') return y;
  if (activation === 'elu') return elu(y);
  if (activation === 'relu6') return clamp(y, 0, 6);
  if (activation === 'leakyrelu') return leakyRelu(y, { slope: x.num('leakyreluAlpha', 0.2) });
  if (activation === 'prelu') return prelu(y, slopesOf(x.t('preluActivationWeights')));
  throw new Unsupported(`activation ${activation}`);
}

function fusedMatmul(x: Args): Tensor {
  const [a, b] = promote(x.t('a'), x.t('b'));
  const transposes = { transposeA: x.flag('transposeA'), transposeB: x.flag('transposeB') };
  return fused(x, (following) => matmul(float(a), float(b), { ...transposes, ...following }));
}

function dropped(x: Args): Tensor {
  if (x.num(1) > 0) throw new Unsupported('random numbers of its own');
  return dropout(x.t(0), { p: 0, seed: 0 });
}

/** Labels, logits, weights, smoothing, reduction (0 none, 2 sum, else the mean). */
function softmaxCrossEntropy(x: Args): Tensor {
  const [labels, logits] = [float(x.t(0)), float(x.t(1))];
  const reduction = ({ 0: 'none', 2: 'sum' } as const)[x.num(4, 3)] ?? 'mean';
  return crossEntropy(logits, labels, { labelSmoothing: x.num(3, 0), reduction });
}

export const elementwise: Operators = {
  abs: numeric(abs),
  neg: numeric(neg),
  square: numeric(square),
  sign: numeric((x) => sign(withoutNaN(x))),
  relu: numeric(relu),
  exp: unary(exp),
  expm1: unary(expm1),
  log: unary(log),
  log1p: unary(log1p),
  sqrt: unary(sqrt),
  rsqrt: unary(rsqrt),
  reciprocal: unary(reciprocal),
  sin: unary(sin),
  cos: unary(cos),
  tan: unary(tan),
  sinh: unary(sinh),
  cosh: unary(cosh),
  tanh: unary(tanh),
  sigmoid: unary(sigmoid),
  elu: unary((x) => elu(x)),
  selu: unary(selu),
  softplus: unary(softplus),
  erf: unary(erf),
  floor: unary(floor),
  ceil: unary(ceil),
  round: unary(round),
  logSigmoid: unary(logSigmoid),
  // relu, whose gradient at 0 is 0, where that of clamp is 1.
  relu6: (x) => clamp(relu(number(x.t(0))), undefined, 6),
  leakyRelu: (x) => leakyRelu(float(x.t(0)), { slope: x.num(1, 0.2) }),
  prelu: (x) => prelu(float(x.t(0)), float(x.t(1))),
  clipByValue: (x) => clamp(x.t(0), x.num(1), x.num(2)),

  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(divide),
  floorDiv: binary(floorDivide),
  pow: binary(pow),
  maximum: binary(maximum),
  minimum: binary(minimum),
  squaredDifference: binary(squaredDifference),
  addN: (x) => x.list(0).reduce(add),
  equal: binary(equal),
  notEqual: binary(notEqual),
  greater: binary(greater),
  greaterEqual: binary(greaterEqual),
  less: binary(less),
  lessEqual: binary(lessEqual),
  logicalAnd: logical(logicalAnd),
  logicalOr: logical(logicalOr),
  logicalXor: logical(logicalXor),
  logicalNot: (x) => logicalNot(cast(x.t(0, 'bool'), 'bool')),
  where: chosen,

  matMul: (x) => matmul(float(x.t(0)), float(x.t(1)), { transposeA: x.flag(2), transposeB: x.flag(3) }),
  dot: (x) => matmul(x.t(0), x.t(1)),
  outerProduct: (x) => mul(expandDims(x.t(0), 1), expandDims(x.t(1), 0)),
  'fused.matMul': fusedMatmul,
  softmax: (x) => softmax(float(x.t(0)), { axis: x.num(1, -1) }),
  logSoftmax: (x) => logSoftmax(float(x.t(0)), { axis: x.num(1, -1) }),
  dropout: dropped,
  'losses.softmaxCrossEntropy': softmaxCrossEntropy,
};
