import { layerNormWeights, layerNormWeightsMerge } from '../../generated/kernels.ts';
import { type Shape, sizeOf } from '../../host.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import { chunksOf, lanesOf, type RowPlan, rowPlan, rowsPerGroup } from '../row_plan.ts';
import type { AffineGradients } from './rows.ts';

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
