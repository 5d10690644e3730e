import { attentionCombine, attentionForward, attentionLse, attentionWeights } from '../../generated/kernels.ts';
import { isSoftware } from '../../runtime/adapter.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import type { Problem } from './problem.ts';

/** Invocations of a workgroup; none of these kernels has anything to say to its neighbours. */
export const groupOf = (gpu: Pick<Gpu, 'family'>): number => (isSoftware(gpu.family) ? 16 : 64);

/** Multiply-adds after which a dispatch ends and is submitted: no browser gives up a device for less. */
const LONGEST = { software: 2 ** 32, gpu: 2 ** 38 } as const;

/** Runs `f` for the tiles [first, items), in as many dispatches as it takes for none to run too long. */
export function inChunks(
  gpu: Gpu,
  items: number,
  work: number,
  f: (range: { readonly first: number; readonly items: number }, groups: readonly [number, number]) => void,
): void {
  const group = groupOf(gpu);
  const chunks = Math.max(1, Math.ceil((items * work) / LONGEST[isSoftware(gpu.family) ? 'software' : 'gpu']));
  const size = Math.ceil(items / chunks / group) * group;
  for (let first = 0; first < items; first += size) {
    const last = Math.min(first + size, items);
    f({ first, items: last }, grid(last - first, group));
    if (last < items) gpu.flush();
  }
}

/** Tiles of rows, and what the kernels need to find them. */
export function rowTiles({ params, sizes }: Problem, rows: number) {
  const blocks = Math.ceil(params.span / rows);
  return { blocks, tiles: sizes.B * sizes.Hkv * params.loops * blocks };
}

/** O and, for each row, the maximum and the sum of exp(score - maximum). */
export function forward(q: Tensor, k: Tensor, v: Tensor, o: Tensor, stats: Tensor, p: Problem): void {
  const { gpu } = q;
  const { splits } = p.plan;
  if (splits === 1) {
    walkKeys(q, k, v, o, stats, p);
    return;
  }
  using parts = gpu.empty([splits, p.params.rows, p.sizes.Dv], 'f32', 'scaledDotProductAttention');
  using partStats = gpu.empty([splits, p.params.rows, 2], 'f32', 'scaledDotProductAttention');
  walkKeys(q, k, v, parts, partStats, p);
  const params = { ...p.params, splits };
  dispatch(gpu, attentionCombine, { parts, partStats, o, stats }, params, grid(p.params.rows, 64));
}

function walkKeys(q: Tensor, k: Tensor, v: Tensor, o: Tensor, stats: Tensor, p: Problem): void {
  const { rows, splits } = p.plan;
  const { blocks, tiles } = rowTiles(p, rows);
  const { S, D, Dv } = p.sizes;
  const constants = { ...p.constants, WG: groupOf(q.gpu), MB: rows / 4, DV4: Dv / 4 };
  inChunks(q.gpu, tiles * splits, (rows * S * (D + Dv)) / splits, (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits };
    dispatch(q.gpu, attentionForward, { mask: p.mask, aux: p.aux, q, k, v, o, stats }, params, groups, constants);
  });
}

/** log(sum(exp(scores))) of each row, f32. */
export function lseOf(stats: Tensor, lse: Tensor): void {
  dispatch(lse.gpu, attentionLse, { stats, lse }, { size: lse.size }, grid(lse.size, 256));
}

/** The weights before dropout. */
export function weightsOf(q: Tensor, k: Tensor, stats: Tensor, weights: Tensor, p: Problem): void {
  const { rows } = p.plan;
  const { blocks, tiles } = rowTiles(p, rows);
  const constants = { ...p.constants, WG: groupOf(q.gpu), MB: rows / 4 };
  inChunks(q.gpu, tiles * Math.ceil(p.sizes.S / 8), 8 * rows * p.sizes.D, (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits: 1 };
    dispatch(q.gpu, attentionWeights, { mask: p.mask, aux: p.aux, q, k, stats, weights }, params, groups, constants);
  });
}
