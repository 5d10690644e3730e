import { record } from '../autograd/tape.ts';
import { describe } from '../host.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkDType } from './check.ts';
import { around, pick } from './gather.ts';
import { axisBack, axisLast, type Ordering, orderByTiles, planSort, rankByCount, type SortPlan } from './order.ts';
import { scatterUnique } from './scatter.ts';

export interface SortOptions {
  /** Default -1. */
  readonly axis?: number;
  /** Largest first; default false. */
  readonly descending?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: SortPlan;
}

export interface TopkOptions {
  /** Default -1. */
  readonly axis?: number;
  /** The largest elements (default), or the smallest. */
  readonly largest?: boolean;
  /** Whether the order among the k matters; they are sorted either way. */
  readonly sorted?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: SortPlan;
}

/**
 * The elements along an axis in order. Stable: equal elements (0 and -0 too) stay in the order they had, also when descending. NaN comes
 * last in either direction.
 *
 * @param x rank 1 or more; f32, f16, i32 or u32
 * @returns `values` in the shape of `x`, whose gradient goes back to where each came from, and `indices` (i32), their places in `x`
 */
export function sort(x: Tensor, options: SortOptions = {}): { values: Tensor; indices: Tensor } {
  const axis = checkAxis('sort', options.axis ?? -1, x);
  return ranked('sort', x, axis, x.shape[axis] as number, options.descending ?? false, options.plan);
}

/**
 * The k largest (or smallest) elements along an axis, in order; of equal ones those with the lower index first. NaN counts as less than
 * everything (with `largest: false`, as more).
 *
 * @param x rank 1 or more; f32, f16, i32 or u32
 * @param k a whole number in [0, size of the axis]
 * @returns `values` and `indices` (i32), shapes of `x` with k at `axis`; the gradient of `values` goes back to where each came from
 */
export function topk(x: Tensor, k: number, options: TopkOptions = {}): { values: Tensor; indices: Tensor } {
  const axis = checkAxis('topk', options.axis ?? -1, x);
  const n = x.shape[axis] as number;
  if (!Number.isInteger(k) || k < 0 || k > n)
    throw new ArgumentError(
      'topk',
      `k must be a whole number in [0, ${n}], the size of axis ${axis}, got ${k} (x: ${describe(x)})`,
    );
  return ranked('topk', x, axis, k, options.largest ?? true, options.plan);
}

const KEYS = { f32: 'FLOAT', f16: 'FLOAT', i32: 'SIGNED', u32: 'UNSIGNED' } as const;

function ranked(
  op: string,
  x: Tensor,
  axis: number,
  keep: number,
  descending: boolean,
  given?: SortPlan,
): { values: Tensor; indices: Tensor } {
  checkDType(op, 'x', x, 'f32', 'f16', 'i32', 'u32');
  const n = x.shape[axis] as number;
  const ordering: Ordering = { key: KEYS[x.dtype as keyof typeof KEYS], descending, keep };
  const plan = given ?? planSort(x.gpu, x.size / n, n, keep);
  const result =
    plan.by === 'count' || x.size === 0 ? counted(op, x, axis, ordering) : tiled(op, x, axis, ordering, plan.tile);
  const { shape } = x;
  record({
    op,
    inputs: [x],
    outputs: [result.values],
    saved: [result.indices],
    backward: ([dy], [indices]) => [scatterUnique(op, dy as Tensor, indices as Tensor, shape, axis)],
    plain: 'composed',
  });
  return result;
}

function counted(op: string, x: Tensor, axis: number, ordering: Ordering): { values: Tensor; indices: Tensor } {
  const shape = x.shape.with(axis, ordering.keep);
  if (x.size === 0 || ordering.keep === 0)
    return { values: x.gpu.empty(shape, x.dtype, op), indices: x.gpu.empty(shape, 'i32', op) };
  return scope(() => {
    const { values, order } = rankByCount(op, x, x.shape[axis] as number, around(x.shape, axis).inner, ordering);
    return { values: values.reinterpret(x.dtype, shape), indices: order.reinterpret('i32', shape) };
  });
}

function tiled(
  op: string,
  x: Tensor,
  axis: number,
  ordering: Ordering,
  tile: number,
): { values: Tensor; indices: Tensor } {
  const n = x.shape[axis] as number;
  return scope(() => {
    const rows = axisLast(op, x, axis);
    const order = orderByTiles(op, rows, x.size / n, n, ordering, tile);
    const indices = axisBack(op, order, x.shape.with(axis, ordering.keep), axis);
    const dims = around(x.shape, axis);
    const strides = { outerStride: ordering.keep * dims.inner, axisStride: dims.inner, innerStride: 1 };
    return { values: pick(op, x, indices, indices.shape, { ...dims, count: ordering.keep }, strides), indices };
  });
}
