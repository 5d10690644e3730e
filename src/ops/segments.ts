import { segmentStarts } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { orderByTiles, planSort, rankByCount } from './order.ts';

/** How many places there are, and how many things they name. */
interface Places {
  readonly length: number;
  readonly count: number;
}

/**
 * The places of `indices`, [rows, count], in ascending order of what they name in [0, length), and where each begins there: starts[r, a] to starts[r, a + 1];
 * those out of range lie behind. Not recorded.
 */
export function segments(op: string, indices: Tensor, rows: number, dims: Places): { order: Tensor; starts: Tensor } {
  const { gpu } = indices;
  const { length, count } = dims;
  const order = orderOf(op, indices, rows, dims);
  const starts = gpu.empty([rows, length + 1], 'u32', op);
  const params = { size: starts.size, count, length };
  const constants = { SIGNED: indices.dtype === 'i32' };
  dispatch(gpu, segmentStarts, { indices, order, starts }, params, grid(starts.size, 256), constants);
  return { order, starts };
}

/** The places of the indices in ascending order, each row by itself. */
function orderOf(op: string, indices: Tensor, rows: number, { length, count }: Places): Tensor {
  const { gpu } = indices;
  const ordering = {
    key: indices.dtype === 'i32' ? 'PLACE' : 'UNSIGNED',
    descending: false,
    keep: count,
    length,
  } as const;
  const plan = planSort(gpu, rows, count, count);
  return plan.by === 'count'
    ? rankByCount(op, indices, count, 1, ordering).order
    : orderByTiles(op, indices, rows, count, ordering, plan.tile);
}
