import { record } from '../autograd/tape.ts';
import { expandRows, expandRowsVec4, prodBackward, reduce as reduceKernel, reduceVec4 } from '../generated/kernels.ts';
import { type DType, describe, type Shape } from '../host.ts';
import { ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { countOf, reducedShape, reductionViews, throughViews } from './axes.ts';
import { checkAxes, checkDType, checkFloat } from './check.ts';
import { prodPlain } from './reference/reduce.ts';
import {
  chunksOf,
  lanesOf,
  planWhole,
  type RowPlan,
  type RowView,
  rowMap,
  rowPlan,
  rowsPerGroup,
  secondPass,
} from './row_plan.ts';

export { argmax, argmin, max, min } from './arg_reduce.ts';
export { logsumexp } from './logsumexp.ts';

export interface ReduceOptions {
  /** The axis or axes to reduce over, counted from the end where negative; default all. */
  readonly axis?: number | readonly number[];
  /** Whether reduced axes stay, with size 1; default false. */
  readonly keepDims?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

const NUMBERS: readonly DType[] = ['f32', 'f16', 'i32', 'u32'];
const isInteger = (dtype: DType): boolean => dtype === 'i32' || dtype === 'u32';
/** What is kept between two passes. */
const between = (dtype: DType): DType => (dtype === 'f16' ? 'f32' : dtype);

/**
 * The sum over axes: y = sum_j x_j.
 *
 * Floats are summed in f32, pairwise in blocks (a relative error near 1e-6 for a million elements of one sign); integers wrap around. The sum of
 * nothing is 0.
 *
 * @param x any shape; f32, f16, i32 or u32
 * @returns the other axes, in the dtype of `x`
 * @throws ArgumentError when an axis is out of range or named twice; DTypeError for bool
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkDType('sum', 'x', x, ...NUMBERS);
  const axes = checkAxes('sum', options.axis, x);
  return scaledSum('sum', x, axes, reducedShape(x, axes, options.keepDims), 1, options.plan);
}

/**
 * The mean over axes: y = sum_j x_j / n. The mean of nothing is NaN.
 *
 * @param x any shape, f32 or f16 (summed in f32)
 * @returns the other axes, in the dtype of `x`
 * @throws ArgumentError when an axis is out of range or named twice; DTypeError for integers and bool
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkFloat('mean', 'x', x);
  const axes = checkAxes('mean', options.axis, x);
  return scaledSum('mean', x, axes, reducedShape(x, axes, options.keepDims), 1 / countOf(x, axes), options.plan);
}

/**
 * The product over axes: y = prod_j x_j. Integers wrap around; the product of nothing is 1.
 *
 * The gradient is that of a product of the others, also where elements are 0.
 *
 * @param x any shape; f32, f16 (multiplied in f32), i32 or u32
 * @returns the other axes, in the dtype of `x`
 * @throws ArgumentError when an axis is out of range or named twice; DTypeError for bool
 */
export function prod(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkDType('prod', 'x', x, ...NUMBERS);
  const axes = checkAxes('prod', options.axis, x);
  const shape = reducedShape(x, axes, options.keepDims);
  if (countOf(x, axes) === 0) return ofNothing('prod', x, shape, ONE[x.dtype]);
  return scope(() => throughViews(x, axes, shape, (from, view, to) => prodStage(from, view, to, options.plan)));
}

/**
 * The sum of `x` over the axes along which `shape` was broadcast to `x.shape`: the gradient of broadcasting.
 *
 * @param x     any shape; f32, f16, i32 or u32
 * @param shape aligned with that of `x` at the last axis, with the same sizes or 1
 * @returns a tensor of `shape`; `x` itself under a new handle where nothing was broadcast
 * @throws ShapeError when `shape` does not broadcast to that of `x`; DTypeError for bool
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkDType('sumTo', 'x', x, ...NUMBERS);
  const lead = x.rank - shape.length;
  if (lead < 0 || shape.some((n, i) => n !== 1 && n !== x.shape[i + lead])) {
    throw new ShapeError('sumTo', `shape must broadcast to that of x, got [${shape.join(', ')}] (x: ${describe(x)})`);
  }
  const axes = x.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return axes.length === 0 ? x.alias(true) : scaledSum('sumTo', x, axes, shape, 1);
}

/** scale * the sum of `x` over `axes`, as a tensor of `shape`, which holds the other axes. */
function scaledSum(
  op: string,
  x: Tensor,
  axes: readonly number[],
  shape: Shape,
  scale: number,
  plan?: RowPlan,
): Tensor {
  if (countOf(x, axes) === 0) return ofNothing(op, x, shape, scale === 1 ? 0 : NAN[x.dtype]);
  const { gpu, dtype } = x;
  const y = gpu.empty(shape, dtype, op);
  scope(() => {
    const views = reductionViews(x.shape, axes);
    views.reduce((from, view, i) => {
      const last = i === views.length - 1;
      const to = last ? y : gpu.empty([view.outer * view.inner], between(dtype), op);
      runReduce(isInteger(dtype) ? 'SUM_INT' : 'SUM', from, to, view, last ? scale : 1, plan);
      return to;
    }, x);
  });
  const backward = ([dy]: readonly (Tensor | null)[]) => [expand(op, dy as Tensor, axes, x.shape, scale)];
  record({ op, inputs: [x], outputs: [y], backward, plain: 'composed' });
  return y;
}

/** scale * x, repeated along `axes` to `shape`; `x` holds the other axes of it. */
function expand(op: string, x: Tensor, axes: readonly number[], shape: Shape, scale: number): Tensor {
  const { gpu, dtype } = x;
  const y = gpu.empty(shape, dtype, op);
  scope(() => {
    const views = reductionViews(shape, axes).reverse();
    views.reduce((from, view, i) => {
      const last = i === views.length - 1;
      const to = last ? y : gpu.empty([view.outer * view.axis * view.inner], dtype, op);
      runExpand(from, to, view, last ? scale : 1);
      return to;
    }, x);
  });
  const backward = ([dy]: readonly (Tensor | null)[]) => [scaledSum(op, dy as Tensor, axes, x.shape, scale)];
  record({ op, inputs: [x], outputs: [y], backward, plain: 'composed' });
  return y;
}

function runExpand(x: Tensor, y: Tensor, view: RowView, scale: number): void {
  const { gpu } = x;
  const fours = inFours(view);
  const { params, groups, constants } = rowMap(gpu, fours ?? view);
  const COLUMNS = view.inner > 1;
  dispatch(gpu, fours ? expandRowsVec4 : expandRows, { x, y }, { ...params, scale }, groups, { ...constants, COLUMNS });
}

/** A view in units of four elements along the rows, or across them; null where they do not come out even. */
function inFours({ outer, axis, inner }: RowView): RowView | null {
  if (inner === 1) return axis % 4 === 0 ? { outer, axis: axis / 4, inner } : null;
  return inner % 4 === 0 ? { outer, axis, inner: inner / 4 } : null;
}

function prodStage(x: Tensor, view: RowView, shape: Shape, plan?: RowPlan): Tensor {
  const y = x.gpu.empty(shape, x.dtype, 'prod');
  scope(() => runReduce(isInteger(x.dtype) ? 'PROD_INT' : 'PROD', x, y, view, 1, plan));
  const { outer, axis, inner } = view;
  const rows = outer * inner;
  record({
    op: 'prod',
    inputs: [x],
    outputs: [y],
    saved: [x],
    backward: ([dy], [x]) => {
      const [g, v] = [dy, x] as [Tensor, Tensor];
      const dx = g.gpu.empty(v.shape, v.dtype, 'prod');
      const own = plan ?? planWhole(g.gpu, view);
      dispatch(
        g.gpu,
        prodBackward,
        { x: v, dy: g, dx },
        { rows, axis, inner },
        grid(rows, rowsPerGroup(own, inner)),
        lanesOf(own, inner),
      );
      return [dx];
    },
    plain: (x) => prodPlain(x, view, shape),
  });
  return y;
}

const NAN: Readonly<Record<DType, number>> = { f32: 0x7fc00000, f16: 0x7e007e00, i32: 0, u32: 0, bool: 0 };
const ONE: Readonly<Record<DType, number>> = { f32: 0x3f800000, f16: 0x3c003c00, i32: 1, u32: 1, bool: 0 };

/** The reduction of an empty axis: `bits` everywhere. */
export function ofNothing(op: string, x: Tensor, shape: Shape, bits: number): Tensor {
  const y = x.gpu.empty(shape, x.dtype, op);
  x.gpu.fillWords(y, bits);
  const { gpu, dtype } = x;
  record({ op, inputs: [x], outputs: [y], backward: () => [gpu.zeros(x.shape, dtype)], plain: 'composed' });
  return y;
}

/** `to` = scale * the sum or product of `from` along `axis`; chunks go through partial results, whose sum is taken the same way. */
function runReduce(
  op: keyof typeof reduceKernel.ops,
  from: Tensor,
  to: Tensor,
  view: RowView,
  scale: number,
  plan: RowPlan = rowPlan(from.gpu, 'reduce', view),
): void {
  const { gpu } = from;
  const { outer, inner } = view;
  const fours = plan.vec4 ? inFours(view) : null;
  const { axis, inner: across } = fours ?? view;
  const { chunk, splits } = chunksOf(axis, plan.splits);
  const outputs = outer * splits * across;
  const y = splits === 1 ? to : gpu.empty([outer * splits * inner], between(from.dtype), 'reduce');
  const params = { outputs, axis, inner: across, splits, chunk, scale: splits === 1 ? scale : 1 };
  const constants = { OP: reduceKernel.ops[op], ...lanesOf(plan, inner) };
  dispatch(
    gpu,
    fours ? reduceVec4 : reduceKernel,
    { x: from, y },
    params,
    grid(outputs, rowsPerGroup(plan, inner)),
    constants,
  );
  if (splits > 1) runReduce(op, y, to, { outer, axis: splits, inner }, scale, secondPass(plan));
}
