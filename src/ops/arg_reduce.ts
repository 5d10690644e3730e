import { record } from '../autograd/tape.ts';
import { argReduceBackward, argReduce as argReduceKernel, argReduceMerge } from '../generated/kernels.ts';
import { type DType, describe, type Shape } from '../host.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { countOf, reducedShape, throughViews } from './axes.ts';
import { checkAxes, checkAxis, checkDType } from './check.ts';
import type { ReduceOptions } from './reduce.ts';
import { pickPlain } from './reference/reduce.ts';
import { chunksOf, lanesOf, type RowPlan, type RowView, rowMap, rowPlan, rowsPerGroup, rowView } from './row_plan.ts';

export interface ArgReduceOptions {
  /** The axis to search, counted from the end where negative; default all elements, in row-major order. */
  readonly axis?: number;
  /** Whether the axis (or all of them) stays, with size 1; default false. */
  readonly keepDims?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

const NUMBERS: readonly DType[] = ['f32', 'f16', 'i32', 'u32'];

/**
 * The maximum over axes. NaN wins over everything, as in PyTorch; of equals the first one gets the whole gradient.
 *
 * @param x any shape; f32, f16, i32 or u32
 * @returns the other axes, in the dtype of `x`: one of its elements, bit for bit
 * @throws ArgumentError when an axis is out of range, named twice or empty; DTypeError for bool
 */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => extremum('max', x, false, options);

/**
 * The minimum over axes. NaN wins over everything, as in PyTorch; of equals the first one gets the whole gradient.
 *
 * @param x any shape; f32, f16, i32 or u32
 * @returns the other axes, in the dtype of `x`: one of its elements, bit for bit
 * @throws ArgumentError when an axis is out of range, named twice or empty; DTypeError for bool
 */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => extremum('min', x, true, options);

/**
 * The place of the maximum along an axis, or among all elements: the first of equals, and the first NaN where there is one.
 *
 * @param x any shape; f32, f16, i32 or u32
 * @returns i32, the other axes
 * @throws ArgumentError when the axis is out of range or empty; DTypeError for bool
 */
export const argmax = (x: Tensor, options: ArgReduceOptions = {}): Tensor => place('argmax', x, false, options);

/**
 * The place of the minimum along an axis, or among all elements: the first of equals, and the first NaN where there is one.
 *
 * @param x any shape; f32, f16, i32 or u32
 * @returns i32, the other axes
 * @throws ArgumentError when the axis is out of range or empty; DTypeError for bool
 */
export const argmin = (x: Tensor, options: ArgReduceOptions = {}): Tensor => place('argmin', x, true, options);

function extremum(op: string, x: Tensor, MIN: boolean, options: ReduceOptions): Tensor {
  checkDType(op, 'x', x, ...NUMBERS);
  const axes = checkAxes(op, options.axis, x);
  checkCount(op, x, axes);
  const shape = reducedShape(x, axes, options.keepDims);
  return scope(() => throughViews(x, axes, shape, (from, view, to) => stage(op, from, view, to, MIN, options.plan)));
}

function stage(op: string, x: Tensor, view: RowView, shape: Shape, MIN: boolean, plan?: RowPlan): Tensor {
  const { values, index } = run(op, x, view, shape, MIN, plan);
  record({
    op,
    inputs: [x],
    outputs: [values],
    saved: [index],
    backward: ([dy], [index]) => {
      const [g, at] = [dy, index] as [Tensor, Tensor];
      const dx = g.gpu.empty(x.shape, g.dtype, op);
      const { params, groups, constants } = rowMap(g.gpu, view);
      dispatch(g.gpu, argReduceBackward, { dy: g, index: at, dx }, params, groups, constants);
      return [dx];
    },
    plain: (x) => pickPlain(x, run(op, x, view, shape, MIN, plan).index, view, shape),
  });
  return values;
}

function place(op: string, x: Tensor, MIN: boolean, options: ArgReduceOptions): Tensor {
  checkDType(op, 'x', x, ...NUMBERS);
  const { axis, keepDims, plan } = options;
  const axes = axis === undefined ? checkAxes(op, undefined, x) : [checkAxis(op, axis, x)];
  checkCount(op, x, axes);
  const view = axis === undefined ? { outer: 1, axis: x.size, inner: 1 } : rowView(x.shape, axes[0] as number);
  return scope(() => run(op, x, view, reducedShape(x, axes, keepDims), MIN, plan).index);
}

function checkCount(op: string, x: Tensor, axes: readonly number[]): void {
  if (countOf(x, axes) === 0) throw new ArgumentError(op, `axis must not be empty, got ${describe(x)}`);
}

/** The extreme elements along an axis and their places in it. */
function run(
  op: string,
  x: Tensor,
  view: RowView,
  shape: Shape,
  MIN: boolean,
  plan: RowPlan = rowPlan(x.gpu, 'argReduce', view),
) {
  const { gpu, dtype } = x;
  const { outer, axis, inner } = view;
  const { chunk, splits } = chunksOf(axis, plan.splits);
  const OP = argReduceKernel.ops[dtype === 'i32' ? 'SIGNED' : dtype === 'u32' ? 'UNSIGNED' : 'FLOAT'];
  const values = gpu.empty(shape, dtype, op);
  const index = gpu.empty(shape, 'i32', op);
  scope(() => {
    const outputs = outer * splits * inner;
    const [y, places] =
      splits === 1 ? [values, index] : [gpu.empty([outputs], dtype, op), gpu.empty([outputs], 'i32', op)];
    const params = { outputs, axis, inner, splits, chunk };
    dispatch(gpu, argReduceKernel, { x, y, index: places }, params, grid(outputs, rowsPerGroup(plan, inner)), {
      ...lanesOf(plan, inner),
      MIN,
      OP,
    });
    if (splits === 1) return;
    const rows = outer * inner;
    dispatch(
      gpu,
      argReduceMerge,
      { values: y, places, y: values, index },
      { outputs: rows, inner, splits },
      grid(rows, 64),
      { MIN, OP },
    );
  });
  return { values, index };
}
