import { record } from '../autograd/tape.ts';
import {
  layerNormBackward,
  layerNormBackwardVec4,
  layerNorm as layerNormKernel,
  layerNormVec4,
  layerNormWeights,
  layerNormWeightsMerge,
} from '../generated/kernels.ts';
import { describe, type Shape, sizeOf } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from './check.ts';
import { layerNormPlain } from './reference/layer_norm.ts';
import { chunksOf, lanesOf, type RowPlan, rowPlan, rowsPerGroup } from './row_plan.ts';

export interface LayerNormOptions {
  /** The scale of each element, of shape `normalizedShape`; default 1. */
  readonly weight?: Tensor | null;
  /** What is added to each element, of shape `normalizedShape`; default 0. */
  readonly bias?: Tensor | null;
  /** The last axes of `x`, which are normalised together; default the shape of `weight` or `bias`, or the last axis. */
  readonly normalizedShape?: Shape;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** @internal Instead of the planner's choices, for rows and for the sums over rows that the gradients of weight and bias are. */
  readonly plan?: RowPlan;
  readonly weightPlan?: RowPlan;
}

/**
 * Layer normalisation: (x - mean) / sqrt(variance + eps) * weight + bias over the last axes, with the variance about the mean, divided by n.
 *
 * Computed in f32 whatever the storage. Source: Ba et al. 2016, arXiv:1607.06450.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ShapeError when `normalizedShape`, `weight` or `bias` do not fit; DTypeError for other or different dtypes; ArgumentError for eps < 0
 */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  const shape = check(x, options);
  const { weight = null, bias = null, eps = 1e-5 } = options;
  const { gpu, dtype } = x;
  const cols = sizeOf(shape);
  const rows = cols === 0 ? 0 : x.size / cols;
  const plan = options.plan ?? rowPlan(gpu, 'layerNorm', { outer: rows, axis: cols, inner: 1 }, false);
  const weightPlan = options.weightPlan ?? rowPlan(gpu, 'layerNormWeights', { outer: 1, axis: rows, inner: cols });
  const y = gpu.empty(x.shape, dtype, 'layerNorm');
  using stats = gpu.empty([rows, 2], 'f32', 'layerNorm');
  forward(x, weight, bias, y, stats, cols, eps, plan);
  const given = [weight, bias].filter((t) => t !== null);
  record({
    op: 'layerNorm',
    inputs: [x, ...given],
    outputs: [y],
    saved: weight ? [x, stats, weight] : [x, stats],
    backward: ([dy], [x, stats, weight], [needsX, ...needsGiven]) => {
      const [g, v, s] = [dy, x, stats] as [Tensor, Tensor, Tensor];
      const dx = needsX ? backward(v, weight, s, g, cols, plan) : null;
      if (!needsGiven.includes(true)) return [dx];
      const { dweight, dbias } = weightGradients(v, s, g, shape, weightPlan);
      return [dx, ...(weight ? [dweight] : []), ...(bias ? [dbias] : [])];
    },
    plain: (x, ...given) =>
      layerNormPlain(x, weight ? given[0] : undefined, bias ? given.at(-1) : undefined, shape, eps),
  });
  return y;
}

function check(x: Tensor, options: LayerNormOptions): Shape {
  const op = 'layerNorm';
  const { weight, bias, eps = 1e-5 } = options;
  checkFloat(op, 'x', x);
  const shape = options.normalizedShape ?? weight?.shape ?? bias?.shape ?? x.shape.slice(-1);
  if (shape.length === 0 || shape.length > x.rank || shape.some((n, i) => n !== x.shape[i + x.rank - shape.length])) {
    throw new ShapeError(
      op,
      `normalizedShape must be the last axes of x, got [${shape.join(', ')}] (x: ${describe(x)})`,
    );
  }
  for (const [name, t] of Object.entries({ weight, bias })) {
    if (!t) continue;
    checkShape(op, name, t, shape);
    checkSameDType(op, { x, [name]: t });
  }
  if (!(eps >= 0)) throw new ArgumentError(op, `eps must be at least 0, got ${eps}`);
  return shape;
}

const fitsVec4 = (cols: number, plan: RowPlan): boolean => plan.vec4 && cols % 4 === 0;

function forward(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  y: Tensor,
  stats: Tensor,
  cols: number,
  eps: number,
  plan: RowPlan,
): void {
  const [rows] = stats.shape as [number];
  const buffers = { x, weight: weight ?? x, bias: bias ?? x, y, stats };
  const constants = { ...lanesOf(plan, 1), WEIGHT: weight !== null, BIAS: bias !== null };
  const groups = grid(rows, rowsPerGroup(plan, 1));
  if (fitsVec4(cols, plan)) dispatch(x.gpu, layerNormVec4, buffers, { rows, quads: cols / 4, eps }, groups, constants);
  else dispatch(x.gpu, layerNormKernel, buffers, { rows, cols, eps }, groups, constants);
}

function backward(
  x: Tensor,
  weight: Tensor | undefined,
  stats: Tensor,
  dy: Tensor,
  cols: number,
  plan: RowPlan,
): Tensor {
  const [rows] = stats.shape as [number];
  const dx = x.gpu.empty(x.shape, x.dtype, 'layerNorm');
  const buffers = { x, weight: weight ?? x, stats, dy, dx };
  const constants = { ...lanesOf(plan, 1), WEIGHT: weight !== undefined };
  const groups = grid(rows, rowsPerGroup(plan, 1));
  if (fitsVec4(cols, plan))
    dispatch(x.gpu, layerNormBackwardVec4, buffers, { rows, quads: cols / 4 }, groups, constants);
  else dispatch(x.gpu, layerNormBackward, buffers, { rows, cols }, groups, constants);
  return dx;
}

/** One dispatch, or two where the rows are cut into chunks to fill the device. */
function weightGradients(
  x: Tensor,
  stats: Tensor,
  dy: Tensor,
  shape: Shape,
  plan: RowPlan,
): { dweight: Tensor; dbias: Tensor } {
  const { gpu, dtype } = x;
  const [rows] = stats.shape as [number];
  const cols = sizeOf(shape);
  const [dweight, dbias] = [gpu.empty(shape, dtype, 'layerNorm'), gpu.empty(shape, dtype, 'layerNorm')];
  const { chunk, splits } = chunksOf(rows, plan.splits);
  const FINAL = splits === 1;
  const outputs = splits * cols;
  const partials = gpu.empty([FINAL ? 1 : outputs, 2], 'f32', 'layerNorm');
  const constants = { ...lanesOf(plan, cols), COLUMNS: true, FINAL };
  dispatch(
    gpu,
    layerNormWeights,
    { x, dy, stats, partials, dweight, dbias },
    { outputs, rows, cols, chunk },
    grid(outputs, rowsPerGroup(plan, cols)),
    constants,
  );
  if (!FINAL)
    dispatch(gpu, layerNormWeightsMerge, { partials, dweight, dbias }, { chunks: splits, cols }, grid(cols, 64));
  return { dweight, dbias };
}
