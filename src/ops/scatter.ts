import { record } from '../autograd/tape.ts';
import {
  scatterBlocks,
  scatterBlocksVec4,
  scatterSorted,
  scatterSortedVec4,
  scatterUnique as scatterUniqueKernel,
  scatterWalk,
  scatterWalkVec4,
} from '../generated/kernels.ts';
import { type DType, describe, type Shape } from '../host.ts';
import { type Family, isSoftware } from '../runtime/adapter.ts';
import { ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { add } from './binary.ts';
import { checkAxis, checkDType, checkSameDType, checkShape } from './check.ts';
import { type Around, around, checkAlong, checkIndices, gather, type Strides, takeAlong } from './gather.ts';
import { axisBack, axisLast } from './order.ts';
import { type Planning, planFor } from './plans.ts';
import { LONGEST_RUN } from './row_plan.ts';
import { segments } from './segments.ts';
import { pad } from './slice.ts';
import { fourfold } from './strided.ts';

export interface ScatterOptions {
  /** Default 0. */
  readonly axis?: number;
  /** @internal Instead of the planner's choice. */
  readonly plan?: ScatterPlan;
}

/** How contributions to one place are found: each place walks all indices, or they are sorted first. */
export type ScatterPlan = 'walk' | 'sort';

/**
 * `x` with slices added to it, the transpose of `gather`: `y = x`, then `y[.., indices[j..], ..] += updates[.., j.., ..]`, in the order of the
 * indices and without atomics, so that the result is the same in every run. Sums are f32.
 *
 * @param x       rank 1 or more; f32, f16, i32 or u32
 * @param indices any shape, i32 or u32; negative i32 count from the end; what is out of range is dropped, and has no gradient
 * @param updates `x.shape[:axis] + indices.shape + x.shape[axis + 1:]`, the dtype of `x`
 * @returns the shape of `x`
 */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor, options: ScatterOptions = {}): Tensor {
  checkDType('scatterAdd', 'x', x, 'f32', 'f16', 'i32', 'u32');
  const axis = checkAxis('scatterAdd', options.axis ?? 0, x);
  checkIndices('scatterAdd', indices);
  checkSameDType('scatterAdd', { x, updates });
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (updates.shape.join() !== shape.join()) {
    throw new ShapeError(
      'scatterAdd',
      `updates must have shape [${shape.join(', ')}], got ${describe(updates)} (x: ${describe(x)}, indices: ${describe(indices)})`,
    );
  }
  const y = scatter('scatterAdd', updates, indices, x.shape, rowsOf(x.shape, indices, axis), options.plan, x);
  record({
    op: 'scatterAdd',
    inputs: [x, indices, updates],
    outputs: [y],
    saved: [indices],
    backward: ([dy], [at], needs) => [
      needs[0] ? (dy as Tensor) : null,
      null,
      needs[2] ? gather(dy as Tensor, at as Tensor, { axis }) : null,
    ],
    plain: 'composed',
  });
  return y;
}

/**
 * `x` with elements added to it, the transpose of `takeAlong`, as `torch.scatter_add`: `y = x`, then
 * `y[c with indices[c] at axis] += updates[c]`, in a fixed order.
 *
 * @param x       rank 1 or more; f32, f16, i32 or u32
 * @param indices i32 or u32 of the same rank, on other axes at most as large as `x`; negative and out of range as in `scatterAdd`
 * @param updates the shape of `indices`, the dtype of `x`
 * @returns the shape of `x`
 */
export function scatterAddAlong(x: Tensor, indices: Tensor, updates: Tensor, options: ScatterOptions = {}): Tensor {
  const op = 'scatterAddAlong';
  checkDType(op, 'x', x, 'f32', 'f16', 'i32', 'u32');
  const axis = checkAxis(op, options.axis ?? 0, x);
  checkIndices(op, indices);
  checkSameDType(op, { x, updates });
  checkAlong(op, x, indices, axis);
  checkShape(op, 'updates', updates, indices.shape);
  const missing = x.shape.map((n, i) => (i === axis ? 0 : n - (indices.shape[i] as number)));
  const sums = scatterAlong(
    op,
    updates,
    indices,
    x.shape.map((n, i) => n - (missing[i] as number)),
    axis,
    options.plan,
  );
  return add(
    x,
    missing.some((n) => n > 0)
      ? pad(
          sums,
          missing.map((n) => [0, n]),
        )
      : sums,
  );
}

/** The transpose of `gather`: an array of `shape` in which each place along `axis` holds the sum of the slices of `dy` with its number. */
export function scatterRows(
  op: string,
  dy: Tensor,
  indices: Tensor,
  shape: Shape,
  axis: number,
  plan?: ScatterPlan,
): Tensor {
  const y = scatter(op, dy, indices, shape, rowsOf(shape, indices, axis), plan);
  return recordScatter(op, dy, indices, y, (g, at) => gather(g, at, { axis }));
}

/** The transpose of `takeAlong` for indices that are as large as `shape` but on `axis`. */
export function scatterAlong(
  op: string,
  dy: Tensor,
  indices: Tensor,
  shape: Shape,
  axis: number,
  plan?: ScatterPlan,
): Tensor {
  const dims = { ...around(shape, axis), count: indices.shape[axis] as number };
  const strides = { outerStride: dims.count * dims.inner, axisStride: dims.inner, innerStride: 1 };
  const by = plan ?? planScatter(dy, dims);
  const direct = by === 'walk' || dims.inner === 1;
  const y = direct
    ? scatter(op, dy, indices, shape, { dims, strides }, by)
    : scope(() => turned(op, dy, indices, shape, axis, by));
  return recordScatter(op, dy, indices, y, (g, at) => takeAlong(g, at, { axis }));
}

/** As `scatterAlong`, for i32 indices that do not repeat along the axis: what `sort` and `topk` give. */
export function scatterUnique(op: string, dy: Tensor, indices: Tensor, shape: Shape, axis: number): Tensor {
  const { length, inner } = around(shape, axis);
  const count = indices.shape[axis] as number;
  const y = count === length ? dy.gpu.empty(shape, dy.dtype, op) : dy.gpu.zeros(shape, dy.dtype);
  dispatch(
    dy.gpu,
    scatterUniqueKernel,
    { dy, indices, y },
    { size: dy.size, length, count, inner },
    grid(dy.size, 256),
  );
  return recordScatter(op, dy, indices, y, (g, at) => takeAlong(g, at, { axis }));
}

function recordScatter(
  op: string,
  dy: Tensor,
  indices: Tensor,
  y: Tensor,
  transposed: (g: Tensor, indices: Tensor) => Tensor,
): Tensor {
  const backward = ([g]: readonly (Tensor | null)[], [at]: readonly Tensor[]) => [
    transposed(g as Tensor, at as Tensor),
    null,
  ];
  record({ op, inputs: [dy, indices], outputs: [y], saved: [indices], backward, plain: 'composed' });
  return y;
}

/** The axis that is scattered to, `count` indices for it, and how these are laid out. */
interface Layout {
  readonly dims: Around & { readonly count: number };
  readonly strides: Strides;
}

function rowsOf(shape: Shape, indices: Tensor, axis: number): Layout {
  return {
    dims: { ...around(shape, axis), count: indices.size },
    strides: { outerStride: 0, axisStride: 1, innerStride: 0 },
  };
}

/**
 * Walking costs a load of each index for each place, sorting a few dispatches and about a microsecond an index on SwiftShader, where 130
 * loads take as long. On GPUs, where loads of the same index are shared, walking is worth it for longer.
 */
function rule(family: Family, rows: number, inner: number, count: number): ScatterPlan {
  const places = (rows * inner) / (fourfold(inner) ? 4 : 1);
  if (isSoftware(family) && count > LONGEST_RUN) return 'sort';
  return places * count <= (isSoftware(family) ? 10_000 + 130 * count : 2 ** 22) ? 'walk' : 'sort';
}

function planScatter({ gpu }: Tensor, { outer, length, inner, count }: Layout['dims']): ScatterPlan {
  const rows = outer * length;
  return planFor(gpu, 'scatter', [rows, inner, count], () => rule(gpu.family, rows, inner, count));
}

/** What the tuner needs of `scatterAdd` and of the gradients of `gather` and `takeAlong`: `count` indices for `rows` of `inner` elements. */
export const scatterPlanning: Planning<ScatterPlan> = {
  op: 'scatter',
  sizes: ['rows', 'inner', 'count'],
  classes: ['64x64x64', '1024x64x256', '256x1x4096', '4096x128x64'],
  rule: ({ family }, [rows = 1, inner = 1, count = 1]) => rule(family, rows, inner, count),
  candidates: ({ family }, [, , count = 1]) =>
    isSoftware(family) && count > LONGEST_RUN ? ['sort'] : ['walk', 'sort'],
};

/** base + the sums of `dy` by place; not recorded. */
function scatter(
  op: string,
  dy: Tensor,
  indices: Tensor,
  shape: Shape,
  { dims, strides }: Layout,
  plan?: ScatterPlan,
  base?: Tensor,
): Tensor {
  const y = dy.gpu.empty(shape, dy.dtype, op);
  if (y.size === 0) return y;
  const { dtype } = dy;
  if (dims.count > 0 && (plan ?? planScatter(dy, dims)) === 'sort') {
    scope(() => sorted(op, dy, indices, y, { dims, strides }, base));
    return y;
  }
  const fours = strides.innerStride === 0 && fourfold(dims.inner);
  const unit = fours ? 4 : 1;
  const size = y.size / unit;
  const params = { size, length: dims.length, count: dims.count, inner: dims.inner / unit, ...strides };
  const constants = {
    SIGNED: indices.dtype === 'i32',
    INTEGER: dtype === 'i32' || dtype === 'u32',
    BASE: base !== undefined,
  };
  dispatch(
    dy.gpu,
    fours ? scatterWalkVec4 : scatterWalk,
    { dy, indices, base: base ?? dy, y },
    params,
    grid(size, 256),
    constants,
  );
  return y;
}

/** Along an axis that is not the last: there and back by way of one where it is. */
function turned(op: string, dy: Tensor, indices: Tensor, shape: Shape, axis: number, plan: ScatterPlan): Tensor {
  const [rows, places] = [axisLast(op, dy, axis), axisLast(op, indices, axis)];
  const { outer, length, inner } = around(shape, axis);
  const count = indices.shape[axis] as number;
  const layout = {
    dims: { outer: outer * inner, length, inner: 1, count },
    strides: { outerStride: count, axisStride: 1, innerStride: 1 },
  };
  return axisBack(op, scatter(op, rows, places, [outer * inner, length], layout, plan), shape, axis);
}

const accumulator = (dtype: DType): DType => (dtype === 'f16' ? 'f32' : dtype);
/** Shortest stretch of equal indices that is worth summing by blocks. */
const BLOCKS_FROM = 2048;

function sorted(op: string, dy: Tensor, indices: Tensor, y: Tensor, { dims, strides }: Layout, base?: Tensor): void {
  const { gpu, dtype } = dy;
  const { outer, length, inner, count } = dims;
  const rowed = strides.outerStride > 0 ? 1 : 0;
  const { order, starts } = segments(op, indices, rowed ? outer : 1, dims);
  const SIGNED = indices.dtype === 'i32';
  const fours = fourfold(inner);
  const unit = fours ? 4 : 1;
  // Blocks of about the square root of the whole: then no sum is longer than thrice that.
  const span = 2 ** Math.ceil(Math.log2(count) / 2);
  const BLOCKED = count >= BLOCKS_FROM;
  const blocks = Math.floor(count / span);
  const partial = gpu.empty(BLOCKED ? [outer, blocks, inner] : [unit], accumulator(dtype), op);
  const params = { length, count, inner: inner / unit, rowed, span, blocks };
  if (BLOCKED) {
    const size = partial.size / unit;
    dispatch(
      gpu,
      fours ? scatterBlocksVec4 : scatterBlocks,
      { dy, indices, order, partial },
      { size, ...params },
      grid(size, 256),
      { SIGNED },
    );
  }
  const size = y.size / unit;
  const buffers = { dy, order, starts, partial, base: base ?? dy, y };
  dispatch(gpu, fours ? scatterSortedVec4 : scatterSorted, buffers, { size, ...params }, grid(size, 256), {
    BASE: base !== undefined,
    BLOCKED,
  });
}
