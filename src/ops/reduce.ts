import { record } from '../autograd/tape.ts';
import { expandScaled, reduce as reduceKernel } from '../generated/kernels.ts';
import { type DType, describe, type Shape, sizeOf } from '../host.ts';
import { ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxes, checkDType, checkFloat } from './check.ts';
import { planRows, type RowPlan, type RowView, WG } from './row_plan.ts';

export interface ReduceOptions {
  /** The axis or axes to reduce over, counted from the end where negative; default all. */
  readonly axis?: number | readonly number[];
  /** Whether reduced axes stay, with size 1; default false. */
  readonly keepDims?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

type Op = keyof typeof reduceKernel.ops;

/** The sum over axes; of nothing, 0. i32 and u32 wrap around. @param x any shape; f32, f16 (summed in f32), i32, u32. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkDType('sum', 'x', x, 'f32', 'f16', 'i32', 'u32');
  const axes = checkAxes('sum', options.axis, x);
  return scaledSum('sum', x, axes, reducedShape(x, axes, options.keepDims), 1, options.plan);
}

/** The mean over axes; of nothing, NaN. @param x any shape, f32 or f16. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkFloat('mean', 'x', x);
  const axes = checkAxes('mean', options.axis, x);
  return scaledSum('mean', x, axes, reducedShape(x, axes, options.keepDims), 1 / countOf(x, axes), options.plan);
}

/**
 * The sum of `x` over the axes along which `shape` was broadcast to `x.shape`: the gradient of broadcasting.
 *
 * @param shape aligned at the last axis, with sizes equal to those of `x` or 1
 * @returns a tensor of that shape; `x` itself under a new handle where nothing was broadcast
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkDType('sumTo', 'x', x, 'f32', 'f16', 'i32', 'u32');
  const lead = x.rank - shape.length;
  if (lead < 0 || shape.some((n, i) => n !== 1 && n !== x.shape[i + lead])) {
    throw new ShapeError('sumTo', `shape must broadcast to that of x, got [${shape.join(', ')}] (x: ${describe(x)})`);
  }
  const axes = x.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return axes.length === 0 ? x.alias(true) : scaledSum('sumTo', x, axes, shape, 1);
}

/** scale * the sum of `x` over `axes`, as a tensor of `shape`, which holds the other axes. */
function scaledSum(op: string, x: Tensor, axes: readonly number[], shape: Shape, scale: number, plan?: RowPlan): Tensor {
  const y = sumStages(op, x, axes, shape, scale, plan);
  const backward = ([dy]: readonly (Tensor | null)[]) => [expand(op, dy as Tensor, axes, x.shape, scale)];
  record({ op, inputs: [x], outputs: [y], backward, plain: 'composed' });
  return y;
}

/** scale * x, repeated along `axes` to `shape`; `x` holds the other axes of it. */
function expand(op: string, x: Tensor, axes: readonly number[], shape: Shape, scale: number): Tensor {
  const y = x.gpu.empty(shape, x.dtype, op);
  const { size } = y;
  const { sizes, strides, rank } = repeats(shape, axes);
  dispatch(x.gpu, expandScaled, { x, y }, { sizes, strides, size, rank, scale }, grid(size, 256));
  const backward = ([dy]: readonly (Tensor | null)[]) => [scaledSum(op, dy as Tensor, axes, x.shape, scale)];
  record({ op, inputs: [x], outputs: [y], backward, plain: 'composed' });
  return y;
}

/** The axes of `shape`, last first and neighbours of one kind merged, with their strides in a tensor that lacks `axes`. */
function repeats(shape: Shape, axes: readonly number[]) {
  const groups = axisGroups(shape, axes).reverse();
  const sizes = groups.map((g) => g.size);
  let stride = 1;
  const strides = groups.map((g) => {
    if (g.reduced) return 0;
    stride *= g.size;
    return stride / g.size;
  });
  const pad = (a: number[]) => [...a, ...Array<number>(8 - a.length).fill(0)];
  return { sizes: pad(sizes), strides: pad(strides), rank: groups.length };
}

interface AxisGroup {
  readonly size: number;
  readonly reduced: boolean;
}

/** Neighbouring axes that are all reduced or all kept, merged; axes of size 1 vanish. */
export function axisGroups(shape: Shape, axes: readonly number[]): AxisGroup[] {
  const groups: AxisGroup[] = [];
  shape.forEach((n, i) => {
    if (n === 1) return;
    const reduced = axes.includes(i);
    const last = groups.at(-1);
    if (last?.reduced === reduced) groups[groups.length - 1] = { size: last.size * n, reduced };
    else groups.push({ size: n, reduced });
  });
  return groups;
}

/** Groups of axes are summed one after another from the last, which leaves the least to read; between them everything is f32. */
function sumStages(op: string, x: Tensor, axes: readonly number[], shape: Shape, scale: number, plan?: RowPlan): Tensor {
  const { gpu, dtype } = x;
  const y = gpu.empty(shape, dtype, op);
  if (countOf(x, axes) === 0) {
    gpu.fillWords(y, scale === 1 ? 0 : NAN_BITS[dtype]);
    return y;
  }
  scope(() => {
    const stages = reduceStages(axisGroups(x.shape, axes));
    stages.reduce((from, view, i) => {
      const last = i === stages.length - 1;
      const to = last ? y : gpu.empty([view.outer * view.inner], dtype === 'f16' ? 'f32' : dtype, op);
      runReduce(isInteger(dtype) ? 'SUM_INT' : 'SUM', from, to, view, last ? scale : 1, plan);
      return to;
    }, x);
  });
  return y;
}

const NAN_BITS: Readonly<Record<DType, number>> = { f32: 0x7fc00000, f16: 0x7e007e00, i32: 0, u32: 0, bool: 0 };
const isInteger = (dtype: DType): boolean => dtype === 'i32' || dtype === 'u32';

/** One [outer, axis, inner] for each reduced group, last first; a plain copy where nothing is reduced. */
function reduceStages(groups: AxisGroup[]): RowView[] {
  const sizes = groups.map((g) => g.size);
  const views: RowView[] = [];
  for (let i = groups.length - 1; i >= 0; i--) {
    if (!groups[i]?.reduced) continue;
    views.push({ outer: sizeOf(sizes.slice(0, i)), axis: sizes[i] as number, inner: sizeOf(sizes.slice(i + 1)) });
    sizes[i] = 1;
  }
  return views.length > 0 ? views : [{ outer: sizeOf(sizes), axis: 1, inner: 1 }];
}

/** `to` = scale * the sum or product of `from` over `axis`; cut rows go through partial results of their own. */
function runReduce(op: Op, from: Tensor, to: Tensor, view: RowView, scale: number, plan: RowPlan = planRows(from.gpu, view)): void {
  const { outer, axis, inner } = view;
  const { gpu, dtype } = from;
  const { lanes } = plan;
  const chunk = Math.ceil(axis / plan.splits);
  const splits = Math.ceil(axis / chunk);
  const outputs = outer * splits * inner;
  const y = splits === 1 ? to : gpu.empty([outputs], dtype === 'f16' ? 'f32' : dtype, 'reduce');
  const params = { outputs, axis, inner, splits, chunk, scale: splits === 1 ? scale : 1 };
  const constants = { OP: reduceKernel.ops[op], WG, LANES: lanes, COLUMNS: inner > 1 };
  dispatch(gpu, reduceKernel, { x: from, y }, params, grid(outputs, WG / lanes), constants);
  if (splits > 1) runReduce(op, y, to, { outer, axis: splits, inner }, scale, { lanes: 1, splits: 1 });
}

/** The number of elements that go into one output. */
export function countOf(x: Tensor, axes: readonly number[]): number {
  return sizeOf(axes.map((i) => x.shape[i] as number));
}

/** The shape that remains after reducing over `axes`. */
export function reducedShape(x: Tensor, axes: readonly number[], keepDims = false): number[] {
  return x.shape.flatMap((n, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [n]));
}
