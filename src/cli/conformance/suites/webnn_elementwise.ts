// WebNN's operators element by element, products of matrices and those of networks; arguments by the names the standard gives them.
import {
  abs,
  add,
  cast,
  ceil,
  concat,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  expandDims,
  floor,
  gelu,
  greater,
  greaterEqual,
  gru,
  hardSigmoid,
  hardSwish,
  layerNorm,
  leakyRelu,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  permute,
  pow,
  reciprocal,
  relu,
  reshape,
  type Shape,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  softplus,
  softsign,
  sqrt,
  squeeze,
  stack,
  sub,
  type Tensor,
  tan,
  tanh,
  where,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, type Outputs, standIn, Unsupported } from '../args.ts';
import { clip, gemm, prelu, truth } from '../semantics.ts';

const unary =
  (f: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(x.t('input'));

const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (x) =>
    f(x.t('a'), x.t('b'));

/** Truth values are uint8. */
const logical =
  (f: (a: Tensor, b: Tensor) => Tensor): Operator =>
  (x) =>
    f(truth(x.t('a')), truth(x.t('b')));

const casted: Operator = (x) => cast(x.t('input'), standIn(x.gpu, x.str('type')));

/** Without axes all but the first, as in the standard. */
function layerNormalized(x: Args): Tensor {
  const data = x.t('input');
  const axes = x.ints('axes') ?? data.shape.flatMap((_, i) => (i > 0 ? [i] : []));
  if (axes.some((a, i) => a !== data.rank - axes.length + i) || axes.length === 0)
    throw new Unsupported(`axes [${axes}]`);
  return layerNorm(data, {
    normalizedShape: data.shape.slice(-axes.length),
    weight: x.opt('scale'),
    bias: x.opt('bias'),
    eps: x.num('epsilon', 1e-5),
  });
}

/** Reset gate after the product; weights in the order z r n unless `layout` says r z n. */
function gatedRecurrence(x: Args): Outputs {
  if (!x.flag('resetAfter', true)) throw new Unsupported('resetAfter false');
  x.only('activations', ['sigmoid', 'tanh']).ignore('steps');
  const H = x.num('hiddenSize');
  const ordered = (t: Tensor) => (x.str('layout', 'zrn') === 'rzn' ? t : reorder(t, H));
  const data = permute(x.t('input'), [1, 0, 2]);
  const row = (key: string, d: number, shape: Shape) =>
    x.has(key) ? reshape(slice(x.t(key), [[d, d + 1]]), shape) : x.gpu.zeros(shape);
  const run = (d: number, reverse: boolean) => {
    const bias = ordered(row('bias', d, [3 * H]));
    const gx = matmul(data, ordered(squeeze(slice(x.t('weight'), [[d, d + 1]]), 0)), { transposeB: true, bias });
    const u = ordered(squeeze(slice(x.t('recurrentWeight'), [[d, d + 1]]), 0));
    const h0 = row('initialHiddenState', d, [data.shape[0] as number, H]);
    return gru(gx, h0, u, ordered(row('recurrentBias', d, [3 * H])), { reverse });
  };
  const direction = x.str('direction', 'forward');
  const runs = direction === 'both' ? [run(0, false), run(1, true)] : [run(0, direction === 'backward')];
  const last = stack(runs.map((r) => r.hLast));
  return x.flag('returnSequence')
    ? [
        last,
        stack(
          runs.map((r) => permute(r.y, [1, 0, 2])),
          { axis: 1 },
        ),
      ]
    : [last];
}

/** A vector stands for a matrix of one row or column, which the result keeps. */
function matrixProduct(a: Tensor, b: Tensor): Tensor {
  if (a.rank === 1 && b.rank > 1) return matmul(expandDims(a, 0), b);
  return b.rank === 1 && a.rank > 1 ? matmul(a, expandDims(b, 1)) : matmul(a, b);
}

/** Gates z, r, n along the first axis as r, z, n. */
function reorder(t: Tensor, H: number): Tensor {
  const gate = (i: number) => slice(t, [[i * H, (i + 1) * H]]);
  return concat([gate(1), gate(0), gate(2)]);
}

export const elementwise: Operators = {
  abs: unary(abs),
  ceil: unary(ceil),
  cos: unary(cos),
  erf: unary(erf),
  exp: unary(exp),
  floor: unary(floor),
  identity: unary((x) => x),
  log: unary(log),
  logicalNot: unary((x) => logicalNot(truth(x))),
  neg: unary(neg),
  reciprocal: unary(reciprocal),
  sign: unary(sign),
  sin: unary(sin),
  sqrt: unary(sqrt),
  tan: unary(tan),
  cast: casted,

  clamp: (x) =>
    clip(
      x.t('input'),
      x.has('minValue') ? x.num('minValue') : undefined,
      x.has('maxValue') ? x.num('maxValue') : undefined,
    ),
  elu: (x) => elu(x.t('input'), { alpha: x.num('alpha', 1) }),
  gelu: unary((x) => gelu(x)),
  hardSigmoid: (x) => hardSigmoid(x.t('input'), { slope: x.num('alpha', 0.2), offset: x.num('beta', 0.5) }),
  hardSwish: unary(hardSwish),
  leakyRelu: (x) => leakyRelu(x.t('input'), { slope: x.num('alpha', 0.01) }),
  linear: (x) => add(mul(x.t('input'), x.num('alpha', 1)), x.num('beta', 0)),
  prelu: (x) => prelu(x.t('input'), x.t('slope')),
  relu: unary(relu),
  sigmoid: unary(sigmoid),
  softplus: unary(softplus),
  softsign: unary(softsign),
  tanh: unary(tanh),

  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  pow: binary(pow),
  max: binary(maximum),
  min: binary(minimum),
  equal: binary(equal),
  notEqual: binary(notEqual),
  greater: binary(greater),
  greaterOrEqual: binary(greaterEqual),
  lesser: binary(less),
  lesserOrEqual: binary(lessEqual),
  logicalAnd: logical(logicalAnd),
  logicalOr: logical(logicalOr),
  logicalXor: logical(logicalXor),
  where: (x) => where(truth(x.t('condition')), x.t('trueValue'), x.t('falseValue')),

  matmul: binary(matrixProduct),
  gemm: (x) =>
    gemm(x.t('a'), x.t('b'), x.opt('c'), {
      alpha: x.num('alpha', 1),
      beta: x.num('beta', 1),
      transposeA: x.flag('aTranspose'),
      transposeB: x.flag('bTranspose'),
    }),
  softmax: (x) => softmax(x.t('input'), { axis: x.num('axis', 1) }),
  layerNormalization: layerNormalized,
  gru: gatedRecurrence,
};
