import { record } from '../autograd/tape.ts';
import {
  softmax as rowsKernel,
  softmaxApply,
  softmaxBackward,
  softmaxBackwardApply,
  softmaxBackwardStats,
  softmaxBackwardVec4,
  softmaxStats,
  softmaxVec4,
} from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkFloat } from './check.ts';
import { softmaxPlain } from './reference/softmax.ts';
import { chunksOf, lanesOf, type RowPlan, type RowView, rowPlan, rowsPerGroup, rowView } from './row_plan.ts';

export interface SoftmaxOptions {
  /** The axis along which the result sums to 1; default the last. */
  readonly axis?: number;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

/**
 * Softmax: exp(x_j) / sum_k exp(x_k) along an axis.
 *
 * Sums are f32. Elements of -inf, or the mask value -3.4e38 (anything below -3.3e38), count as masked and give 0; a row in which all are
 * masked gives zeros and has zero gradients. A NaN or +inf makes its row NaN.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range; DTypeError for integers and bool
 */
export function softmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongAxis('softmax', x, false, options);
}

/**
 * The logarithm of softmax: x_j - log(sum_k exp(x_k)) along an axis, without the loss of precision of taking it afterwards.
 *
 * As `softmax`; a row in which all are masked gives -inf and has zero gradients.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range; DTypeError for integers and bool
 */
export function logSoftmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongAxis('logSoftmax', x, true, options);
}

function alongAxis(op: string, x: Tensor, LOG: boolean, options: SoftmaxOptions): Tensor {
  checkFloat(op, 'x', x);
  const axis = checkAxis(op, options.axis ?? -1, x);
  const view = rowView(x.shape, axis);
  const plan = options.plan ?? rowPlan(x.gpu, 'softmax', view);
  const y = x.gpu.empty(x.shape, x.dtype, op);
  forward(x, y, view, plan, LOG);
  record({
    op,
    inputs: [x],
    outputs: [y],
    saved: [y],
    backward: ([dy], [y]) => {
      const [g, v] = [dy, y] as [Tensor, Tensor];
      const dx = g.gpu.empty(g.shape, g.dtype, op);
      backward(v, g, dx, view, plan, LOG);
      return [dx];
    },
    plain: (x) => softmaxPlain(x, axis, LOG),
  });
  return y;
}

/** Whether rows can be taken as whole vec4s. */
const fitsVec4 = ({ axis, inner }: RowView, plan: RowPlan): boolean => plan.vec4 && inner === 1 && axis % 4 === 0;

function forward(x: Tensor, y: Tensor, view: RowView, plan: RowPlan, LOG: boolean): void {
  const { gpu } = x;
  const { outer, axis, inner } = view;
  const rows = outer * inner;
  const lanes = lanesOf(plan, inner);
  const { chunk, splits } = chunksOf(axis, plan.splits);
  if (splits > 1) {
    const outputs = rows * splits;
    const params = { outputs, axis, inner, splits, chunk };
    scope(() => {
      const stats = gpu.empty([outputs, 2], 'f32', 'softmax');
      dispatch(gpu, softmaxStats, { x, stats }, params, grid(outputs, rowsPerGroup(plan, inner)), lanes);
      dispatch(gpu, softmaxApply, { x, stats, y }, params, grid(outputs, rowsPerGroup(plan, inner)), { ...lanes, LOG });
    });
  } else if (fitsVec4(view, plan)) {
    dispatch(gpu, softmaxVec4, { x, y }, { rows, quads: axis / 4 }, grid(rows, rowsPerGroup(plan, inner)), {
      ...lanes,
      LOG,
    });
  } else {
    dispatch(gpu, rowsKernel, { x, y }, { rows, axis, inner }, grid(axis === 0 ? 0 : rows, rowsPerGroup(plan, inner)), {
      ...lanes,
      LOG,
    });
  }
}

function backward(y: Tensor, dy: Tensor, dx: Tensor, view: RowView, plan: RowPlan, LOG: boolean): void {
  const { gpu } = y;
  const { outer, axis, inner } = view;
  const rows = outer * inner;
  const constants = { ...lanesOf(plan, inner), LOG };
  const { chunk, splits } = chunksOf(axis, plan.splits);
  if (splits > 1) {
    const outputs = rows * splits;
    const params = { outputs, axis, inner, splits, chunk };
    const sums = gpu.empty([outputs, 2], 'f32', 'softmax');
    dispatch(gpu, softmaxBackwardStats, { y, dy, sums }, params, grid(outputs, rowsPerGroup(plan, inner)), constants);
    dispatch(
      gpu,
      softmaxBackwardApply,
      { y, dy, sums, dx },
      params,
      grid(outputs, rowsPerGroup(plan, inner)),
      constants,
    );
  } else if (fitsVec4(view, plan)) {
    dispatch(
      gpu,
      softmaxBackwardVec4,
      { y, dy, dx },
      { rows, quads: axis / 4 },
      grid(rows, rowsPerGroup(plan, inner)),
      constants,
    );
  } else {
    dispatch(
      gpu,
      softmaxBackward,
      { y, dy, dx },
      { rows, axis, inner },
      grid(axis === 0 ? 0 : rows, rowsPerGroup(plan, inner)),
      constants,
    );
  }
}
