import { record } from '../autograd/tape.ts';
import { sparsemaxBackward, sparsemax as sparsemaxKernel } from '../generated/kernels.ts';
import { isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkFloat } from './check.ts';
import { sparsemaxPlain } from './reference/sparsemax.ts';
import { lanesOf, planWhole, type RowPlan, type RowView, rowsPerGroup, rowView } from './row_plan.ts';

export interface SparsemaxOptions {
  /** The axis along which the result sums to 1; default the last. */
  readonly axis?: number;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

/**
 * Sparsemax: the point of the probability simplex nearest to each row, max(x_j - t, 0) with the t for which they sum to 1.
 *
 * Unlike softmax it gives most elements exactly 0. The gradient is dy less its mean over the elements above 0, and 0 for the others. Elements below
 * -3.3e38 (-inf, the mask value -3.4e38) count as masked; a row of nothing else gives zeros and has zero gradients. A NaN or +inf makes its row NaN.
 *
 * Martins and Astudillo: From softmax to sparsemax (ICML 2016), https://arxiv.org/abs/1602.02068.
 *
 * @param x any shape of rank 1 or more, f32 or f16 (computed in f32)
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range; DTypeError for integers and bool
 */
export function sparsemax(x: Tensor, options: SparsemaxOptions = {}): Tensor {
  checkFloat('sparsemax', 'x', x);
  const axis = checkAxis('sparsemax', options.axis ?? -1, x);
  const view = rowView(x.shape, axis);
  const { params, groups, constants } = rowsOf(view, options.plan ?? rule(x.gpu, view));
  const y = x.gpu.empty(x.shape, x.dtype, 'sparsemax');
  dispatch(x.gpu, sparsemaxKernel, { x, y }, params, groups, constants);
  record({
    op: 'sparsemax',
    inputs: [x],
    outputs: [y],
    saved: [y],
    backward: ([dy], [y]) => {
      const [g, v] = [dy, y] as [Tensor, Tensor];
      const dx = g.gpu.empty(g.shape, g.dtype, 'sparsemax');
      dispatch(g.gpu, sparsemaxBackward, { y: v, dy: g, dx }, params, groups, constants);
      return [dx];
    },
    plain: (x) => sparsemaxPlain(x, axis),
  });
  return y;
}

/** Rows are walked over a dozen times: on CPUs lanes take shorter runs of them than those of other row kernels (see `LONGEST_RUN`). */
function rule(gpu: Gpu, view: RowView): RowPlan {
  const plan = planWhole(gpu, view);
  if (!isSoftware(gpu.family)) return plan;
  return { ...plan, lanes: Math.min(2 ** Math.ceil(Math.log2(Math.max(view.axis / 2048, 1))), 256) };
}

function rowsOf({ outer, axis, inner }: RowView, plan: RowPlan) {
  const rows = outer * inner;
  return {
    params: { rows, axis, inner },
    groups: grid(axis === 0 ? 0 : rows, rowsPerGroup(plan, inner)),
    constants: lanesOf(plan, inner),
  };
}
