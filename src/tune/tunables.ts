// The ops that have plans, each with a problem to time them on. A plan reaches the sample through the device's table, as it does in use.
import { vjp } from '../autograd/tape.ts';
import type { Shape } from '../host.ts';
import { argmax } from '../ops/arg_reduce.ts';
import { attentionPlanning, FEW_ROWS } from '../ops/attention/plan.ts';
import { scaledDotProductAttention } from '../ops/attention/scaled_dot_product.ts';
import { crossEntropy, crossEntropyPlanning } from '../ops/cross_entropy.ts';
import { matmulPlanning } from '../ops/linalg/plan.ts';
import { logsumexp } from '../ops/logsumexp.ts';
import { matmul } from '../ops/matmul.ts';
import { batchNorm } from '../ops/norm/batch_norm.ts';
import { layerNorm } from '../ops/norm/layer_norm.ts';
import { sortPlanning } from '../ops/order.ts';
import type { Planning, Sizes } from '../ops/plans.ts';
import { uniform } from '../ops/random.ts';
import { sum } from '../ops/reduce.ts';
import { planShared, planWhole, rowMapPlanning, rowPlanning } from '../ops/row_plan.ts';
import { cumsum, scanPlanning } from '../ops/scan.ts';
import { scatterAdd, scatterPlanning } from '../ops/scatter.ts';
import { softmax } from '../ops/softmax.ts';
import { topk } from '../ops/sort.ts';
import { clipGradNorm } from '../optim/clip.ts';
import { packPlanning } from '../optim/flat.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';

/** An input of a sample: f32 of a shape, or whole numbers below a bound. */
type Input = Shape | { readonly shape: Shape; readonly below: number };

/** An op that has plans. */
export interface Tunable {
  readonly planning: Planning<unknown>;
  readonly inputs: (sizes: Sizes) => readonly Input[];
  /** Runs the op on tensors for `inputs`: a problem whose plan is looked up for exactly `sizes`. */
  readonly run: (inputs: readonly Tensor[], sizes: Sizes) => readonly Tensor[];
}

/** `f` as in training: forward, and backward to the first `count` of its inputs with the last of them as the upstream gradient. */
function withGradient(f: (...inputs: Tensor[]) => Tensor, wrt: (inputs: readonly Tensor[]) => readonly Tensor[]) {
  return (inputs: readonly Tensor[]): readonly Tensor[] => {
    const { outputs, grads } = vjp(() => f(...inputs), wrt(inputs), [inputs.at(-1) as Tensor]);
    return [...outputs, ...grads.filter((g) => g !== null)];
  };
}

const ROWS = ['64x64x1', '1024x64x1', '1024x1024x1', '8x4096x1', '1x65536x1'];
const COLUMNS = ['1x1024x64', '16x64x64'];
const all = (sizes: Sizes) => [sizes];
/** The shape of the rows' results. */
const reduced = ([outer = 1, , inner = 1]: Sizes) => [outer, inner];
const first = ([x]: readonly Tensor[]) => [x as Tensor];

/** Attention as in training; with a few queries, as in decoding, forward only. */
function attend(inputs: readonly Tensor[], [, , queries = 1, , , , plain]: Sizes): readonly Tensor[] {
  const f = (q: Tensor, k: Tensor, v: Tensor) =>
    scaledDotProductAttention(q, k, v, plain === 1 ? {} : { isCausal: true, alignment: 'lower-right' });
  const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
  return queries < FEW_ROWS ? [f(q, k, v)] : withGradient(f as never, (all) => all.slice(0, 3))(inputs);
}

/** One entry an op; for a new one, add its own. */
export const TUNABLES: readonly Tunable[] = [
  {
    planning: matmulPlanning,
    inputs: ([m = 1, n = 1, k = 1, batch = 1, aByM, bByK]) => [
      aByM ? [batch, k, m] : [batch, m, k],
      bByK ? [batch, n, k] : [batch, k, n],
    ],
    run: ([a, b], [, , , , aByM, bByK]) => [
      matmul(a as Tensor, b as Tensor, { transposeA: aByM === 1, transposeB: bByK === 1 }),
    ],
  },
  {
    planning: attentionPlanning,
    inputs: ([heads = 1, group = 1, queries = 1, keys = 1, width = 1, values = 1]) => [
      [1, heads * group, queries, width],
      [1, heads, keys, width],
      [1, heads, keys, values],
      [1, heads * group, queries, values],
    ],
    run: attend,
  },
  {
    planning: rowPlanning('reduce', [...ROWS, ...COLUMNS]),
    inputs: all,
    run: ([x]) => [sum(x as Tensor, { axis: 1 })],
  },
  {
    planning: rowPlanning('logsumexp', [...ROWS, ...COLUMNS]),
    inputs: all,
    run: ([x]) => [logsumexp(x as Tensor, { axis: 1 })],
  },
  {
    planning: rowPlanning('argReduce', [...ROWS, ...COLUMNS]),
    inputs: all,
    run: ([x]) => [argmax(x as Tensor, { axis: 1 })],
  },
  {
    planning: rowPlanning('softmax', [...ROWS, ...COLUMNS], planShared),
    inputs: (sizes) => [sizes, sizes],
    run: withGradient((x) => softmax(x, { axis: 1 }), first),
  },
  {
    planning: rowPlanning('layerNorm', ROWS, planWhole),
    inputs: ([outer = 1, axis = 1]) => [[outer, axis], [axis], [outer, axis]],
    run: withGradient((x, weight) => layerNorm(x, { weight: weight as Tensor }), first),
  },
  {
    planning: rowPlanning('layerNormWeights', ['1x64x64', '1x1024x64', '1x1024x1024']),
    inputs: ([, rows = 1, cols = 1]) => [[rows, cols], [cols], [rows, cols]],
    run: withGradient(
      (x, weight) => layerNorm(x, { weight: weight as Tensor }),
      ([, weight]) => [weight as Tensor],
    ),
  },
  {
    planning: rowPlanning('channels', ['64x4096x1', '16x65536x1', '1x1024x64']),
    // Channels of one long run each, or of single elements side by side.
    inputs: ([outer = 1, axis = 1, inner = 1]) =>
      inner > 1
        ? [
            [axis, inner],
            [axis, inner],
          ]
        : Array(2).fill([1, outer, axis]),
    run: withGradient((x) => batchNorm(x, { training: true }), first),
  },
  {
    planning: crossEntropyPlanning,
    inputs: (sizes) => [sizes, { shape: reduced(sizes), below: sizes[1] as number }],
    run: ([x, target]) => [crossEntropy(x as Tensor, target as Tensor, { axis: 1 })],
  },
  {
    planning: rowMapPlanning,
    inputs: (sizes) => [sizes, reduced(sizes)],
    run: withGradient((x) => logsumexp(x, { axis: 1 }), first),
  },
  {
    planning: scatterPlanning,
    inputs: ([rows = 1, inner = 1, count = 1]) => [[rows, inner], { shape: [count], below: rows }, [count, inner]],
    run: ([x, indices, updates]) => [scatterAdd(x as Tensor, indices as Tensor, updates as Tensor)],
  },
  {
    planning: sortPlanning,
    inputs: ([rows = 1, n = 1]) => [[rows, n]],
    run: ([x], [, , keep]) => Object.values(topk(x as Tensor, keep as number)),
  },
  { planning: scanPlanning, inputs: all, run: ([x]) => [cumsum(x as Tensor, { axis: 1 })] },
  {
    planning: packPlanning,
    inputs: ([elements = 1]) => [[elements]],
    run: ([x]) => {
      const { grads, norm } = clipGradNorm({ x: x as Tensor }, 1);
      return [grads.x, norm];
    },
  },
];

/** Tensors for the inputs of a sample: the same on every adapter. */
export function makeInputs(gpu: Gpu, { inputs }: Tunable, sizes: Sizes): Tensor[] {
  return inputs(sizes).map((input, i) => {
    const seed = i + 1;
    if (!('below' in input)) return uniform(gpu, input, { seed, low: -0.5, high: 1 });
    const { shape, below } = input;
    const data = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) => (j * 7919 + seed) % below);
    return gpu.tensor(data, shape);
  });
}
