// Keras's activations and neural network functions (keras.ops.nn): arguments by position, then by keyword.
import {
  abs,
  add,
  cast,
  clamp,
  div,
  elu,
  exp,
  gelu,
  greater,
  greaterEqual,
  hardSigmoid,
  hardSwish,
  layerNorm,
  leakyRelu,
  less,
  logSoftmax,
  maximum,
  mean,
  mish,
  mul,
  oneHot,
  permute,
  relu,
  reshape,
  scaledDotProductAttention,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  sparsemax,
  split,
  sqrt,
  square,
  sub,
  type Tensor,
  tanh,
  where,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, type Outputs, Unsupported } from '../args.ts';
import { celu, logSigmoid, reduceL2, reduceOptions } from '../semantics.ts';
import { kerasNormFunctions } from './norms.ts';

const unary =
  (f: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(x.t(0));

/** A function along one axis, on several of them at once as if they were one; null means all. */
export const along =
  (f: (x: Tensor, options: { readonly axis: number }) => Tensor): Operator =>
  (x) => {
    const data = x.t(0);
    const axes = x.ints('axis') ?? (x.given('axis') ? data.shape.map((_, i) => i) : [-1]);
    return axes.length === 1 ? f(data, { axis: axes[0] as number }) : overAxes((t) => f(t, { axis: -1 }), data, axes);
  };

/** Applies `f` to the last axis of a tensor in which `axes` are flattened into it. */
function overAxes(f: (x: Tensor) => Tensor, x: Tensor, axes: readonly number[]): Tensor {
  const chosen = axes.map((a) => (a < 0 ? a + x.rank : a));
  const order = [...x.shape.map((_, i) => i).filter((i) => !chosen.includes(i)), ...chosen];
  const moved = permute(x, order);
  const kept = moved.shape.slice(0, x.rank - chosen.length);
  return permute(
    reshape(f(reshape(moved, [...kept, -1])), moved.shape),
    order.map((_, i) => order.indexOf(i)),
  );
}

/** max_value above, x over the threshold, negative_slope (x - threshold) below. */
export function generalRelu(x: Tensor, slope: number, threshold: number, most: number | undefined): Tensor {
  const lower =
    threshold === 0 && slope === 0 ? relu(x) : where(greater(x, threshold), x, mul(sub(x, threshold), slope));
  return most === undefined ? lower : where(greaterEqual(lower, most), clamp(lower, undefined, most), lower);
}

/** [B, T, N, H] each; a bool mask (true = attend) and a bias that is added. */
function attention(x: Args): Tensor {
  x.ignore('flash_attention');
  const heads = (at: number) => permute(x.t(at), [0, 2, 1, 3]);
  const [bias, mask] = [x.opt('bias'), x.opt('mask')];
  const both = bias && mask ? where(mask, bias, Number.NEGATIVE_INFINITY) : (mask ?? bias);
  const y = scaledDotProductAttention(heads(0), heads(1), heads(2), {
    ...(both && { mask: both }),
    ...(x.has('scale') && { scale: x.num('scale') }),
    isCausal: x.flag('is_causal'),
  });
  return permute(y, [0, 2, 1, 3]);
}

/** In f32 whatever the type, and drawn into the range of halves for these, as Keras does. */
function moments(x: Args): Outputs {
  const { dtype } = x.t(0);
  const data = cast(x.t(0), 'f32');
  const options = reduceOptions(x.ints('axes'), x.flag('keepdims'));
  const centred = square(sub(data, mean(data, { ...options, keepDims: true })));
  return [mean(data, options), mean(centred, options)].map((t) =>
    dtype === 'f16' ? cast(clamp(t, -65504, 65504), dtype) : t,
  );
}

/** x / max(its Euclidean norm, epsilon). */
function normalized(x: Args): Tensor {
  if (x.num('order', 2) !== 2) throw new Unsupported(`order ${x.num('order')}`);
  const axes = x.ints('axis') ?? (x.given('axis') ? undefined : [-1]);
  const data = x.t(0);
  return div(data, maximum(reduceL2(data, reduceOptions(axes, true)), x.num('epsilon', 1e-12)));
}

/** Negative indices are out of range, where Fovea counts them from the end. */
function hot(x: Args): Tensor {
  const axis = x.ignore('sparse').num('axis', -1);
  const indices = x.t(0, 'i32');
  const depth = x.num(1);
  return oneHot(where(less(indices, 0), depth, indices), depth, { axis });
}

function gated(x: Args): Tensor {
  const [a, b] = split(x.t(0), 2, { axis: -1 }) as [Tensor, Tensor];
  return mul(a, sigmoid(b));
}

export const functions: Operators = {
  exponential: unary(exp),
  celu: (x) => celu(x.t(0), x.num('alpha', 1)),
  elu: (x) => elu(x.t(0), { alpha: x.num('alpha', 1) }),
  gelu: unary((x) => gelu(x, { approximate: 'tanh' })),
  glu: gated,
  hard_shrink: unary((x) => where(greater(abs(x), 0.5), x, 0)),
  hard_sigmoid: unary((x) => hardSigmoid(x)),
  hard_silu: unary(hardSwish),
  hard_tanh: unary((x) => clamp(x, -1, 1)),
  leaky_relu: unary((x) => leakyRelu(x, { slope: 0.2 })),
  log_sigmoid: unary(logSigmoid),
  mish: unary(mish),
  relu: (x) =>
    generalRelu(
      x.t(0),
      x.num('negative_slope', 0),
      x.num('threshold', 0),
      x.has('max_value') ? x.num('max_value') : undefined,
    ),
  relu6: unary((x) => clamp(x, 0, 6)),
  selu: unary(selu),
  sigmoid: unary(sigmoid),
  silu: unary(silu),
  soft_shrink: unary((x) => sub(x, clamp(x, -0.5, 0.5))),
  softplus: unary(softplus),
  softsign: unary(softsign),
  sparse_sigmoid: unary((x) => hardSigmoid(x, { slope: 0.5, offset: 0.5 })),
  squareplus: unary((x) => mul(add(x, sqrt(add(square(x), 4))), 0.5)),
  tanh: unary(tanh),
  tanh_shrink: unary((x) => sub(x, tanh(x))),
  threshold: (x) => where(greater(x.t(0), x.num(1)), x.t(0), x.num(2)),
  softmax: along(softmax),
  sparsemax: along(sparsemax),
  log_softmax: along(logSoftmax),

  one_hot: hot,
  moments,
  normalize: normalized,
  layer_normalization: unary((x) => layerNorm(x, { eps: 1e-3 })),
  ...kerasNormFunctions,
  dot_product_attention: attention,
};
