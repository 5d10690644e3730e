import { record, throughPlain } from '../autograd/tape.ts';
import { crossEntropyBackward, crossEntropy as crossEntropyKernel, crossEntropyTotal } from '../generated/kernels.ts';
import { describe } from '../host.ts';
import { isSoftware } from '../runtime/adapter.ts';
import { ArgumentError, DTypeError, ShapeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { mul } from './binary.ts';
import { checkAxis, checkFloat, checkSameDType, checkShape, checkTensor } from './check.ts';
import { type Planning, planFor } from './plans.ts';
import { alongClasses, crossEntropyPlain } from './reference/cross_entropy.ts';
import {
  lanesOf,
  planWhole,
  type RowPlan,
  type RowView,
  rowCandidates,
  rowMap,
  rowsPerGroup,
  rowView,
  viewOf,
} from './row_plan.ts';
import { expandDims } from './shape.ts';
import { logSoftmax } from './softmax.ts';

export interface CrossEntropyOptions {
  /** The class index of rows that count for nothing; default -100. Not for probabilities. */
  readonly ignoreIndex?: number;
  /** The share of the target that is spread evenly over all classes, in [0, 1]; default 0. */
  readonly labelSmoothing?: number;
  /** The weight of each class, >= 0: f32 or f16 like the logits, [C]; default 1 for all. */
  readonly weight?: Tensor;
  /** Default 'mean'. */
  readonly reduction?: Reduction;
  /** The axis of the classes; default the last. */
  readonly axis?: number;
  /** @internal Instead of the planner's choice. */
  readonly plan?: CrossEntropyPlan;
}

/** `whole`: the losses are summed in the same dispatch, where one workgroup holds all rows. */
export type CrossEntropyPlan = RowPlan & { readonly whole?: boolean };

type Reduction = 'mean' | 'sum' | 'none';

/** What the op has worked out of its options. */
export interface CrossEntropySettings {
  readonly axis: number;
  readonly probabilities: boolean;
  readonly ignored: number;
  readonly smoothing: number;
  readonly reduction: Reduction;
  readonly weight: Tensor | null;
}

/**
 * Cross entropy of softmax(logits) with a target, straight from the logits: -sum_j q_j log(softmax(x)_j) for each row, with q = 1 at the target
 * class or the target probabilities, smoothed to (1 - labelSmoothing) q + labelSmoothing / C, and multiplied by the weight of class j.
 *
 * The mean is over the rows that are not ignored, each counted with the weight of its target class (with probabilities: once), as in PyTorch; of none it is
 * 0, with zero gradients (PyTorch: NaN). A class index out of range gives NaN,
 * as loss and as gradient of its row. Masked logits (below -3.3e38) have probability 0: the loss is inf where the target needs them.
 *
 * @param logits [..., C], f32 or f16 (computed in f32)
 * @param target class indices [...], i32 or u32; or probabilities like `logits`, which have a gradient too (as the weights have)
 * @returns a scalar, or [...] for reduction 'none', in the dtype of `logits`
 * @throws ShapeError when the shapes do not fit; DTypeError; ArgumentError for options out of their range
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const settings = check(logits, target, options);
  const { axis, reduction } = settings;
  const { gpu, dtype } = logits;
  const view = rowView(logits.shape, axis);
  const rows = view.outer * view.inner;
  const shape = reduction === 'none' ? logits.shape.filter((_, i) => i !== axis) : [];
  const loss = gpu.empty(shape, dtype, 'crossEntropy');
  using stats = gpu.empty([rows + 1, 4], 'f32', 'crossEntropy');
  forward(logits, target, loss, stats, view, settings, options.plan);
  record({
    op: 'crossEntropy',
    inputs: settings.weight ? [logits, target, settings.weight] : [logits, target],
    outputs: [loss],
    saved: [logits, target, stats, ...(settings.weight ? [settings.weight] : [])],
    backward: ([dy], [x, targets, stats, weight = null], needs) => {
      const [g, v, t, s] = [dy, x, targets, stats] as [Tensor, Tensor, Tensor, Tensor];
      const own = { ...settings, weight };
      const dx = needs[0] ? backward(v, t, s, g, view, own) : null;
      const dTarget = needs[1] ? targetGradient(v, g, rows, own) : null;
      return weight ? [dx, dTarget, needs[2] ? weightGradient(v, t, g, own) : null] : [dx, dTarget];
    },
    plain: (x, t, weight) => crossEntropyPlain(x, t as Tensor, { ...settings, weight: weight ?? null }),
  });
  return loss;
}

function check(logits: Tensor, target: Tensor, options: CrossEntropyOptions): CrossEntropySettings {
  const op = 'crossEntropy';
  const { ignoreIndex = -100, labelSmoothing: smoothing = 0, reduction = 'mean', weight = null } = options;
  checkFloat(op, 'logits', logits);
  checkTensor(op, 'target', target);
  if (logits.rank === 0) throw new ShapeError(op, `logits must have an axis of classes, got ${describe(logits)}`);
  const axis = checkAxis(op, options.axis ?? -1, logits);
  if (target.dtype === 'bool')
    throw new DTypeError(op, `target must be i32 or u32 class indices, or probabilities, got ${describe(target)}`);
  const probabilities = target.dtype === 'f32' || target.dtype === 'f16';
  const shape = probabilities ? logits.shape : logits.shape.filter((_, i) => i !== axis);
  if (target.shape.join() !== shape.join())
    throw new ShapeError(
      op,
      `target must have shape [${shape.join(', ')}], got ${describe(target)} (logits: ${describe(logits)})`,
    );
  if (probabilities) checkSameDType(op, { logits, target });
  if (probabilities && options.ignoreIndex !== undefined)
    throw new ArgumentError(op, `ignoreIndex is for class indices, target is ${describe(target)}`);
  if (logits.shape[axis] === 0)
    throw new ShapeError(op, `logits must have at least one class, got ${describe(logits)}`);
  if (weight) {
    checkSameDType(op, { logits, weight });
    checkShape(op, 'weight', weight, [logits.shape[axis] as number]);
  }
  if (!Number.isInteger(ignoreIndex) || Math.abs(ignoreIndex) >= 2 ** 31)
    throw new ArgumentError(op, `ignoreIndex must be a whole number below 2^31, got ${ignoreIndex}`);
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new ArgumentError(op, `labelSmoothing must be in [0, 1], got ${smoothing}`);
  if (!Object.hasOwn(CODE, reduction))
    throw new ArgumentError(op, `reduction must be 'mean', 'sum' or 'none', got '${reduction}'`);
  return { axis, probabilities, ignored: ignoreIndex, smoothing, reduction, weight };
}

const CODE: Readonly<Record<Reduction, number>> = {
  none: crossEntropyKernel.ops.NONE,
  sum: crossEntropyKernel.ops.SUM,
  mean: crossEntropyKernel.ops.MEAN,
};

/** On a CPU the barriers of a workgroup's sum cost more than another dispatch. */
const rule = ({ family }: Pick<Gpu, 'family'>, view: RowView): CrossEntropyPlan => ({
  ...planWhole({ family }, view),
  whole: !isSoftware(family),
});

/** What the tuner needs of `crossEntropy`. */
export const crossEntropyPlanning: Planning<CrossEntropyPlan> = {
  op: 'crossEntropy',
  sizes: ['outer', 'axis', 'inner'],
  classes: ['64x64x1', '8x1024x1', '512x32x1', '256x4096x1'],
  rule: (target, sizes) => rule(target, viewOf(sizes)),
  candidates: (target, sizes) => {
    const view = viewOf(sizes);
    const plans = rowCandidates(target, view, [1]);
    const fits = plans.filter((plan) => view.outer * view.inner <= rowsPerGroup(plan, view.inner));
    return [...plans.map((plan) => ({ ...plan, whole: false })), ...fits.map((plan) => ({ ...plan, whole: true }))];
  },
};

/** One dispatch for the rows and, unless one workgroup holds them all, one for their sum. */
function forward(
  x: Tensor,
  targets: Tensor,
  loss: Tensor,
  stats: Tensor,
  view: RowView,
  settings: CrossEntropySettings,
  plan = planFor(x.gpu, 'crossEntropy', [view.outer, view.axis, view.inner], () => rule(x.gpu, view)),
): void {
  const { gpu } = x;
  const { axis, inner } = view;
  const { ignored, smoothing, reduction } = settings;
  const rows = view.outer * inner;
  const REDUCTION = CODE[reduction];
  const WHOLE = plan.whole === true && reduction !== 'none' && rows > 0 && rows <= rowsPerGroup(plan, inner);
  const constants = { ...lanesOf(plan, inner), ...targetOf(settings), SMOOTH: smoothing > 0, REDUCTION, WHOLE };
  dispatch(
    gpu,
    crossEntropyKernel,
    { x, targets, weights: settings.weight ?? x, loss, stats },
    { rows, axis, inner, ignored, smoothing },
    grid(rows, rowsPerGroup(plan, inner)),
    constants,
  );
  if (reduction === 'none' || WHOLE) return;
  dispatch(gpu, crossEntropyTotal, { stats, loss }, { rows }, 1, {
    WG: isSoftware(gpu.family) ? (rows > 8192 ? 64 : 1) : 256,
    REDUCTION,
  });
}

function backward(
  x: Tensor,
  targets: Tensor,
  stats: Tensor,
  dy: Tensor,
  view: RowView,
  settings: CrossEntropySettings,
): Tensor {
  const { gpu } = x;
  const { smoothing } = settings;
  const { params, groups, constants } = rowMap(gpu, view);
  const dx = gpu.empty(x.shape, x.dtype, 'crossEntropy');
  const rows = view.outer * view.inner;
  const buffers = { x, targets, stats, weights: settings.weight ?? x, dy, dx };
  dispatch(gpu, crossEntropyBackward, buffers, { ...params, rows, smoothing }, groups, {
    ...constants,
    ...targetOf(settings),
    REDUCTION: CODE[settings.reduction],
  });
  return dx;
}

/** What the target is, as constants. */
const targetOf = ({ probabilities, weight }: CrossEntropySettings) => ({
  PROBS: probabilities,
  WEIGHTED: weight !== null,
});

/** That of the target probabilities: -(1 - smoothing) w log(softmax(x)), times what comes from above. */
function targetGradient(
  x: Tensor,
  dy: Tensor,
  rows: number,
  { axis, reduction, smoothing, weight }: CrossEntropySettings,
): Tensor {
  const upstream = reduction === 'none' ? expandDims(dy, axis) : dy;
  const logs = logSoftmax(x, { axis });
  const weighted = weight ? mul(logs, alongClasses(weight, x, axis)) : logs;
  return mul(mul(weighted, (smoothing - 1) / (reduction === 'mean' ? Math.max(rows, 1) : 1)), upstream);
}

/** That of the weights, rarely asked for: by way of the definition. */
function weightGradient(x: Tensor, target: Tensor, dy: Tensor, settings: CrossEntropySettings): Tensor {
  const plain = (weight: Tensor) => crossEntropyPlain(x, target, { ...settings, weight });
  return throughPlain(plain as (...inputs: Tensor[]) => Tensor, [settings.weight as Tensor], [dy], [true])[0] as Tensor;
}
