import { record, throughPlain } from '../../autograd/tape.ts';
import { batchNormBackward, batchNorm as batchNormKernel } from '../../generated/kernels.ts';
import { describe, sizeOf } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { checkDType, checkFloat, checkShape } from '../check.ts';
import { batchNormPlain } from '../reference/norm.ts';
import { lanesOf, type RowPlan, rowsPerGroup, secondPass } from '../row_plan.ts';
import type { ImageLayout } from '../windows.ts';
import { affineOf, type ChannelView, channelPlan, countOf, momentsOf, sumsOf } from './channels.ts';
import { checkAffine, checkEps } from './checks.ts';

export interface BatchNormOptions {
  /** [C], of x's dtype: the scale of each channel; default 1. */
  readonly weight?: Tensor | null;
  /** [C], of x's dtype: what is added to each channel; default 0. */
  readonly bias?: Tensor | null;
  /** f32[C]: what x is normalised with but in training, where they are updated in place if given; a memory of its own. */
  readonly runningMean?: Tensor | null;
  /** f32[C], as `runningMean`. */
  readonly runningVar?: Tensor | null;
  /** Whether to normalise with the statistics of x itself; default false. */
  readonly training?: boolean;
  /** How much of x's statistics goes into the running ones; default 0.1. */
  readonly momentum?: number;
  /** u32[] or u32[1]: how many batches the running statistics have seen, which then become the mean over all of them: `momentum` is 1 / (batches + 1). */
  readonly batches?: Tensor | null;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Whether channels are the second axis ('nchw', which stands for any [N, C, ...]; the default) or the last ('nhwc'). */
  readonly layout?: ImageLayout;
  /** @internal Instead of the planner's choices. */
  readonly plan?: RowPlan;
}

interface Call extends Required<Omit<BatchNormOptions, 'plan' | 'layout'>> {
  readonly view: ChannelView;
  /** The plan for sums, and, if it was asked for, for what is computed element by element. */
  readonly plan: RowPlan;
  readonly asked: RowPlan | undefined;
}

/**
 * Batch normalisation: y = (x - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c]. In training mean and variance are those of a channel over the
 * whole batch (about the mean, divided by n); otherwise the running ones.
 *
 * In training the running statistics, where given, become (1 - momentum) running + momentum new, the variance divided by n - 1, on the device,
 * in the same submit and on no tape; an empty batch leaves them alone. Statistics are computed in f32 whatever the storage. The gradient runs
 * through the statistics of the batch, and without training to the running ones if they are asked about. Source: Ioffe and Szegedy 2015,
 * arXiv:1502.03167; the convention of `momentum` is PyTorch's, `batches` its `momentum=None`.
 *
 * @param x [N, C, ...] or [N, C], with layout 'nhwc' [N, ..., C]; f32 or f16
 * @returns a tensor like `x`
 * @throws ShapeError when x has fewer than two axes or, in training, one value a channel, and when the other tensors do not fit; DTypeError for other or
 *         different dtypes; ArgumentError when running statistics are missing, half given or in one memory, and for eps or momentum out of range
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  const call = check(x, options);
  const { weight, bias, runningMean, runningVar, training, eps, view, asked } = call;
  const { stats, coefficients } = scope(() => statistics(x, call));
  const y = affineOf('batchNorm', x, null, coefficients, view, asked);
  coefficients.dispose();
  // Running statistics that were given in training are written, not read.
  const running = training ? [] : [runningMean as Tensor, runningVar as Tensor];
  const given = [weight, bias].filter((t) => t !== null);
  const inputs = [x, ...given, ...running];
  const plain = (x: Tensor, ...rest: Tensor[]) =>
    batchNormPlain(x, weight ? rest[0] : undefined, bias ? rest[given.length - 1] : undefined, view, eps, {
      ...(!training && { mean: rest.at(-2), variance: rest.at(-1) }),
    });
  record({
    op: 'batchNorm',
    inputs,
    outputs: [y],
    saved: [stats, ...inputs],
    backward: ([dy], [stats, ...inputs], needs) => {
      if (needs.slice(1 + given.length).includes(true)) return throughPlain(plain, inputs, [dy as Tensor], needs);
      const [dx, dweight, dbias] = backward(call, inputs, stats as Tensor, dy as Tensor, needs);
      return [dx, ...(weight ? [dweight] : []), ...(bias ? [dbias] : []), ...running.map(() => null)];
    },
    plain,
  });
  stats.dispose();
  return y;
}

function check(x: Tensor, options: BatchNormOptions): Call {
  const op = 'batchNorm';
  const { weight = null, bias = null, runningMean = null, runningVar = null } = options;
  const { training = false, momentum = 0.1, batches = null, eps = 1e-5, layout = 'nchw', plan: asked } = options;
  const view = viewOf(op, x, layout);
  checkAffine(op, x, { weight, bias }, [view.channels]);
  checkRunning(op, view.channels, runningMean, runningVar, training);
  checkEps(op, eps);
  if (!(momentum >= 0 && momentum <= 1)) throw new ArgumentError(op, `momentum must be in [0, 1], got ${momentum}`);
  if (batches) checkBatches(batches);
  if (training && countOf(view) === 1)
    throw new ShapeError(op, `x must have more than one value a channel in training, got ${describe(x)}`);
  const plan = asked ?? channelPlan(x.gpu, view);
  return { weight, bias, runningMean, runningVar, training, momentum, batches, eps, view, plan, asked };
}

function checkBatches(batches: Tensor) {
  checkDType('batchNorm', 'batches', batches, 'u32');
  if (batches.size !== 1) throw new ShapeError('batchNorm', `batches must be one number, got ${describe(batches)}`);
}

function viewOf(op: string, x: Tensor, layout: ImageLayout): ChannelView {
  checkFloat(op, 'x', x);
  if (layout !== 'nchw' && layout !== 'nhwc')
    throw new ArgumentError(op, `layout must be 'nchw' or 'nhwc', got '${layout}'`);
  const names = layout === 'nchw' ? '[N, C, ...]' : '[N, ..., C]';
  if (x.rank < 2) throw new ShapeError(op, `x must be ${names} of rank 2 or more, got ${describe(x)}`);
  const axis = layout === 'nchw' ? 1 : x.rank - 1;
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  return { outer, channels: x.shape[axis] as number, inner };
}

function checkRunning(op: string, channels: number, mean: Tensor | null, variance: Tensor | null, training: boolean) {
  if (!mean !== !variance || (!mean && !training))
    throw new ArgumentError(
      op,
      `runningMean and runningVar must both be given${training ? ', or neither,' : ' unless training is true,'} got ${mean || variance ? 'one' : 'neither'}`,
    );
  for (const [name, t] of Object.entries({ runningMean: mean, runningVar: variance })) {
    if (!t) continue;
    checkDType(op, name, t, 'f32');
    checkShape(op, name, t, [channels]);
  }
  if (mean && mean.storage === variance?.storage)
    throw new ArgumentError(op, 'runningMean and runningVar must not share memory');
}

/** The statistics that x is normalised with and what its elements are computed with: two dispatches in training, otherwise one. */
function statistics(x: Tensor, call: Call) {
  const { gpu } = x;
  const { weight, bias, runningMean, runningVar, training, momentum, batches, eps, view, plan } = call;
  const { channels } = view;
  const count = countOf(view);
  const own = training ? momentsOf('batchNorm', x, view, plan) : null;
  const { moments, chunks, chunk } = own ?? { moments: gpu.empty([1, 2], 'f32', 'batchNorm'), chunks: 0, chunk: 0 };
  const stats = gpu.empty([channels, 2], 'f32', 'batchNorm');
  const coefficients = gpu.empty([channels, 4], 'f32', 'batchNorm');
  const none = () => gpu.empty([1], 'f32', 'batchNorm');
  const merge = secondPass(plan);
  dispatch(
    gpu,
    batchNormKernel,
    {
      moments,
      weight: weight ?? x,
      bias: bias ?? x,
      runningMean: runningMean ?? none(),
      runningVar: runningVar ?? none(),
      stats,
      coefficients,
      batches: batches ?? gpu.empty([1], 'u32', 'batchNorm'),
    },
    { channels, chunks, chunk, count, eps, momentum },
    grid(channels, rowsPerGroup(merge, 1)),
    {
      ...lanesOf(merge, 1),
      TRAINING: training,
      RUNNING: training && runningMean !== null && count > 0,
      COUNTED: batches !== null,
      WEIGHT: weight !== null,
      BIAS: bias !== null,
    },
  );
  return { stats, coefficients };
}

/** [dx, dweight, dbias]: the sums over channels, what dx takes of them, and dx. */
function backward(
  { weight, training, view, plan, asked }: Call,
  [x, scale]: readonly (Tensor | undefined)[],
  stats: Tensor,
  dy: Tensor,
  [needsX = false, ...needs]: readonly boolean[],
): readonly [Tensor | null, Tensor, Tensor] {
  const v = x as Tensor;
  const { gpu, dtype } = v;
  const { channels } = view;
  const summed = training || needs.includes(true);
  const { sums, chunks } = summed ? sumsOf('batchNorm', v, dy, stats, view, plan, 0) : { sums: stats, chunks: 0 };
  const [dweight, dbias] = [gpu.empty([channels], dtype, 'batchNorm'), gpu.empty([channels], dtype, 'batchNorm')];
  const coefficients = gpu.empty([channels, 4], 'f32', 'batchNorm');
  const merge = secondPass(plan);
  dispatch(
    gpu,
    batchNormBackward,
    { sums, weight: weight ? (scale as Tensor) : v, stats, dweight, dbias, coefficients },
    { channels, chunks, count: countOf(view) },
    grid(channels, rowsPerGroup(merge, 1)),
    { ...lanesOf(merge, 1), TRAINING: training, WEIGHT: weight !== null },
  );
  return [needsX ? affineOf('batchNorm', v, dy, coefficients, view, asked) : null, dweight, dbias];
}
