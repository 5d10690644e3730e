// The order of the elements along an axis: what sort, topk and the scatter of many indices are made of. Nothing here is recorded.
import { mergeRuns, rankRows, sortTiles } from '../generated/kernels.ts';
import type { Shape } from '../host.ts';
import { type Family, isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { type Planning, planFor } from './plans.ts';
import { readStrided } from './strided.ts';
import { contiguousStrides } from './strides.ts';

export interface Ordering {
  /** How keys are made of the elements; PLACE: indices along an axis of `length`. */
  readonly key: keyof typeof rankRows.ops;
  readonly descending: boolean;
  /** How many places from the first are wanted. */
  readonly keep: number;
  readonly length?: number;
}

/** How rows are sorted: each element counting those before it, or tiles in workgroup memory and merge passes. */
export type SortPlan = { readonly by: 'count' } | { readonly by: 'tiles'; readonly tile: number };

/** The plan for the first `keep` of rows of `n`. */
export const planSort = (gpu: Gpu, rows: number, n: number, keep: number): SortPlan =>
  planFor(gpu, 'sort', [rows, n, keep], () => rule(gpu.family, n));

/** On a CPU barriers cost more than merge passes do. */
function rule(family: Family, n: number): SortPlan {
  const software = isSoftware(family);
  if (n <= (software ? 128 : 64)) return { by: 'count' };
  return { by: 'tiles', tile: software ? 64 : n <= 256 ? 256 : 1024 };
}

/** What the tuner needs of `sort` and `topk`; tiles of pairs within 8 KB of workgroup memory. */
export const sortPlanning: Planning<SortPlan> = {
  op: 'sort',
  sizes: ['rows', 'n', 'keep'],
  classes: ['1x4096x4096', '64x128x128', '64x512x512', '16x4096x16'],
  rule: ({ family }, [, n = 1]) => rule(family, n),
  candidates: (_, [, n = 1]) => [
    ...(n <= 1024 ? [{ by: 'count' } as const] : []),
    ...[64, 128, 256, 512, 1024]
      .filter((tile) => tile === 64 || tile < 2 * n)
      .map((tile) => ({ by: 'tiles', tile }) as const),
  ],
};

/** The first `keep` elements of `x` [outer, n, inner] by order, and their places, both [outer, keep, inner]. One dispatch, n loads an element. */
export function rankByCount(
  op: string,
  x: Tensor,
  n: number,
  inner: number,
  ordering: Ordering,
): { values: Tensor; order: Tensor } {
  const { keep } = ordering;
  const { size } = x;
  const shape = [size / (n * inner), keep, inner];
  const values = x.gpu.empty(shape, x.dtype, op);
  const order = x.gpu.empty(shape, 'i32', op);
  dispatch(x.gpu, rankRows, { x, values, order }, { size, n, inner, keep, ...keysOf(ordering) }, grid(size, 64));
  return { values, order };
}

/** The places of the first `keep` elements of each row of `x` [rows, n] by order: [rows, keep]. */
export function orderByTiles(op: string, x: Tensor, rows: number, n: number, ordering: Ordering, tile: number): Tensor {
  // A tile that gives up most of its elements leaves less work to the next round than merging whole tiles.
  return scope(() =>
    ordering.keep <= tile / 4 ? tournament(op, x, rows, n, ordering, tile) : mergeSort(op, x, rows, n, ordering, tile),
  );
}

const keysOf = ({ key, descending, length = 0 }: Ordering) => ({
  kind: rankRows.ops[key],
  mask: descending ? 0xffffffff : 0,
  length,
});

interface Pairs {
  readonly keys: Tensor;
  readonly order: Tensor;
  readonly n: number;
}

/** A run of sort_tiles.wgsl over `x`, or over the pairs of an earlier one: the first `keep` of each tile, side by side. */
function runTiles(
  op: string,
  x: Tensor,
  rows: number,
  n: number,
  ordering: Ordering,
  tile: number,
  keep: number,
  earlier?: Pairs,
): Pairs {
  const { gpu } = x;
  const tiles = Math.ceil(n / tile);
  const width = (tiles - 1) * keep + Math.min(keep, n - (tiles - 1) * tile);
  const keys = gpu.empty([rows, width], 'u32', op);
  const order = gpu.empty([rows, width], 'i32', op);
  const none = earlier ? null : { keys: gpu.empty([1], 'u32', op), order: gpu.empty([1], 'i32', op) };
  const { keys: keysIn, order: orderIn } = earlier ?? (none as { keys: Tensor; order: Tensor });
  const params = { rows, n, tiles, keep, width, ...keysOf(ordering) };
  const constants = { TILE: tile, WG: Math.max(1, Math.min(256, tile / 4)), FIRST: !earlier };
  dispatch(gpu, sortTiles, { x, keysIn, orderIn, keys, order }, params, grid(rows * tiles), constants);
  return { keys, order, n: width };
}

function tournament(op: string, x: Tensor, rows: number, n: number, ordering: Ordering, tile: number): Tensor {
  const { keep } = ordering;
  let pairs = runTiles(op, x, rows, n, ordering, tile, keep);
  for (let before = n; before > tile; ) {
    const { keys, order, n: left } = pairs;
    pairs = runTiles(op, x, rows, left, ordering, tile, keep, pairs);
    keys.dispose();
    order.dispose();
    before = left;
  }
  return pairs.order;
}

function mergeSort(op: string, x: Tensor, rows: number, n: number, ordering: Ordering, tile: number): Tensor {
  let { keys, order } = runTiles(op, x, rows, n, ordering, tile, tile);
  for (let run = tile; run < n; run *= 2) {
    const next = { keys: x.gpu.empty([rows, n], 'u32', op), order: x.gpu.empty([rows, n], 'i32', op) };
    dispatch(
      x.gpu,
      mergeRuns,
      { keysIn: keys, orderIn: order, ...next },
      { size: rows * n, n, run },
      grid(rows * n, 256),
    );
    keys.dispose();
    order.dispose();
    ({ keys, order } = next);
  }
  const { keep } = ordering;
  return keep === n ? order : readStrided(op, order, { shape: [rows, keep], strides: [n, 1] });
}

/** `x` with `axis` moved to the end; not recorded. */
export function axisLast(op: string, x: Tensor, axis: number): Tensor {
  const own = contiguousStrides(x.shape);
  const moved = (values: readonly number[]) => [...values.toSpliced(axis, 1), values[axis] as number];
  return readStrided(op, x, { shape: moved(x.shape), strides: moved(own) });
}

/** The inverse: rows of an array whose last axis belongs at `axis`, as an array of `shape`. */
export function axisBack(op: string, rows: Tensor, shape: Shape, axis: number): Tensor {
  const own = contiguousStrides([...shape.toSpliced(axis, 1), shape[axis] as number]);
  return readStrided(op, rows, { shape, strides: [...own.slice(0, -1)].toSpliced(axis, 0, 1) });
}
