import { record } from '../autograd/tape.ts';
import { logsumexpBackward, logsumexp as logsumexpKernel } from '../generated/kernels.ts';
import type { Shape } from '../host.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { countOf, reducedShape, throughViews } from './axes.ts';
import { checkAxes, checkFloat } from './check.ts';
import { ofNothing, type ReduceOptions } from './reduce.ts';
import { logsumexpPlain } from './reference/softmax.ts';
import {
  chunksOf,
  lanesOf,
  type RowPlan,
  type RowView,
  rowMap,
  rowPlan,
  rowsPerGroup,
  secondPass,
} from './row_plan.ts';

/**
 * The logarithm of the sum of exponentials over axes: y = log(sum_j exp(x_j)), with the maximum taken out, so that nothing overflows.
 *
 * Elements below -3.3e38 (-inf, the mask value -3.4e38) count as masked; of nothing, or of masked elements alone, it is -inf, with zero gradients.
 *
 * @param x any shape, f32 or f16 (summed in f32)
 * @returns the other axes, in the dtype of `x`
 * @throws ArgumentError when an axis is out of range or named twice; DTypeError for integers and bool
 */
export function logsumexp(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkFloat('logsumexp', 'x', x);
  const axes = checkAxes('logsumexp', options.axis, x);
  const shape = reducedShape(x, axes, options.keepDims);
  if (countOf(x, axes) === 0) return ofNothing('logsumexp', x, shape, x.dtype === 'f16' ? 0xfc00fc00 : 0xff800000);
  return scope(() => throughViews(x, axes, shape, (from, view, to) => stage(from, view, to, options.plan)));
}

function stage(x: Tensor, view: RowView, shape: Shape, plan: RowPlan = rowPlan(x.gpu, 'logsumexp', view)): Tensor {
  const y = x.gpu.empty(shape, x.dtype, 'logsumexp');
  scope(() => run(x, y, view, plan));
  record({
    op: 'logsumexp',
    inputs: [x],
    outputs: [y],
    saved: [x, y],
    backward: ([dy], [x, y]) => {
      const [g, v, r] = [dy, x, y] as [Tensor, Tensor, Tensor];
      const dx = g.gpu.empty(v.shape, v.dtype, 'logsumexp');
      const { params, groups, constants } = rowMap(g.gpu, view);
      dispatch(g.gpu, logsumexpBackward, { x: v, y: r, dy: g, dx }, params, groups, constants);
      return [dx];
    },
    plain: (x) => logsumexpPlain(x, view, shape),
  });
  return y;
}

/** The logsumexp of a row cut into chunks is that of the chunks' own. */
function run(x: Tensor, to: Tensor, { outer, axis, inner }: RowView, plan: RowPlan): void {
  const { gpu } = x;
  const { chunk, splits } = chunksOf(axis, plan.splits);
  const outputs = outer * splits * inner;
  const y = splits === 1 ? to : gpu.empty([outputs], 'f32', 'logsumexp');
  dispatch(
    gpu,
    logsumexpKernel,
    { x, y },
    { outputs, axis, inner, splits, chunk },
    grid(outputs, rowsPerGroup(plan, inner)),
    lanesOf(plan, inner),
  );
  if (splits > 1) run(y, to, { outer, axis: splits, inner }, secondPass(plan));
}
