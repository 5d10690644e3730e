import { layerNormWeights, layerNormWeightsMerge } from '../../generated/kernels.ts';
import { describe, type Shape, sizeOf } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from '../check.ts';
import { chunksOf, lanesOf, type RowPlan, rowPlan, rowsPerGroup } from '../row_plan.ts';
import type { AffineGradients } from './rows.ts';

/** Throws unless eps can be added to a variance. */
export function checkEps(op: string, eps: number): void {
  if (!(eps >= 0)) throw new ArgumentError(op, `eps must be at least 0, got ${eps}`);
}

/** Throws unless each of these is given as nothing or as a tensor of this shape, of x's dtype. */
export function checkAffine(
  op: string,
  x: Tensor,
  affine: Readonly<Record<string, Tensor | null | undefined>>,
  shape: Shape,
): void {
  for (const [name, t] of Object.entries(affine)) {
    if (!t) continue;
    checkSameDType(op, { x, [name]: t });
    checkShape(op, name, t, shape);
  }
}

/** The last axes of x that are normalised together: those named, or those of the weight or bias, or the last one. */
export function checkLastAxes(
  op: string,
  x: Tensor,
  normalizedShape: Shape | undefined,
  affine: Readonly<Record<string, Tensor | null | undefined>>,
): Shape {
  checkFloat(op, 'x', x);
  const shape = normalizedShape ?? Object.values(affine).find((t) => t)?.shape ?? x.shape.slice(-1);
  if (shape.length === 0 || shape.length > x.rank || shape.some((n, i) => n !== x.shape[i + x.rank - shape.length])) {
    throw new ShapeError(
      op,
      `normalizedShape must be the last axes of x, got [${shape.join(', ')}] (x: ${describe(x)})`,
    );
  }
  checkAffine(op, x, affine, shape);
  return shape;
}

/** The gradients of a weight and a bias per column: one dispatch, or two where the rows are cut into chunks to fill the device. */
export const columnGradients =
  (op: string, shape: Shape, given?: RowPlan): AffineGradients =>
  (x, stats, dy) => {
    const { gpu, dtype } = x;
    const rows = stats.shape[0] as number;
    const cols = sizeOf(shape);
    const plan = given ?? rowPlan(gpu, 'layerNormWeights', { outer: 1, axis: rows, inner: cols });
    const [dweight, dbias] = [gpu.empty(shape, dtype, op), gpu.empty(shape, dtype, op)];
    const { chunk, splits } = chunksOf(rows, plan.splits);
    const FINAL = splits === 1;
    const outputs = splits * cols;
    const partials = gpu.empty([FINAL ? 1 : outputs, 2], 'f32', op);
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
  };
