import {
  attentionCombine,
  attentionForward,
  attentionForwardTiled,
  attentionLse,
  attentionWeights,
} from '../../generated/kernels.ts';
import { isSoftware } from '../../runtime/adapter.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import type { Plan } from './plan.ts';
import type { Problem } from './problem.ts';

/** Invocations of a workgroup of `registers`: none has anything to say to its neighbours. */
const groupOf = (gpu: Pick<Gpu, 'family'>): number => (isSoftware(gpu.family) ? 16 : 64);

/** Rows and keys of a tile of the forward pass. */
const TILE = 32;

/** Rows and keys of a block, or of a tile of `tile`, and how many of them a workgroup has. */
export function shapeOf(gpu: Pick<Gpu, 'family'>, { variant, rows }: Plan, tile: number) {
  return variant === 'tiled' ? { rows: tile, keys: tile, perGroup: 1 } : { rows, keys: 8, perGroup: groupOf(gpu) };
}

/** What the kernels of `registers` are compiled for. */
export const registersOf = (gpu: Pick<Gpu, 'family'>, { constants, plan }: Problem) => ({
  ...constants,
  WG: groupOf(gpu),
  MB: plan.rows / 4,
});

/** What the kernels of `tiled` are compiled for, where tiles are of `tile` and an invocation has sums of every so many numbers of heads `width` wide. */
export function tiledOf({ constants, everyone, sizes: { L, S } }: Problem, tile: number, width: number) {
  const PARTIAL = !everyone || L % tile > 0 || S % tile > 0;
  return { ...constants, PARTIAL, COLUMNS: Math.ceil(width / tile) };
}

/** Runs `f` for the tiles [first, items), in as many dispatches as it takes for none to run too long. */
export function inChunks(
  gpu: Gpu,
  longest: number,
  items: number,
  perGroup: number,
  work: number,
  f: (range: { readonly first: number; readonly items: number }, groups: readonly [number, number]) => void,
): void {
  const chunks = Math.max(1, Math.ceil((items * work) / longest));
  const size = Math.ceil(items / chunks / perGroup) * perGroup;
  for (let first = 0; first < items; first += size) {
    const last = Math.min(first + size, items);
    f({ first, items: last }, grid(last - first, perGroup));
    if (last < items) gpu.flush();
  }
}

/** Tiles of rows, and what the kernels need to find them. */
export function rowTiles({ params, sizes }: Problem, rows: number) {
  const blocks = Math.ceil(params.span / rows);
  return { blocks, tiles: sizes.B * sizes.Hkv * params.loops * blocks };
}

/** O; and to `stats`, for each row, the maximum and the sum of exp(score - maximum). */
export function forward(q: Tensor, k: Tensor, v: Tensor, stats: Tensor, p: Problem): Tensor {
  const { gpu, dtype } = q;
  const { splits } = p.plan;
  const o = gpu.empty(q.shape.with(-1, p.sizes.Dv), dtype, 'scaledDotProductAttention');
  if (splits === 1) {
    walkKeys(q, k, v, o, stats, p);
    return o;
  }
  using parts = gpu.empty([splits, p.params.rows, p.sizes.Dv], 'f32', 'scaledDotProductAttention');
  using partStats = gpu.empty([splits, p.params.rows, 2], 'f32', 'scaledDotProductAttention');
  walkKeys(q, k, v, parts, partStats, p);
  const params = { ...p.params, splits };
  const lanes = isSoftware(gpu.family) ? 1 : 16;
  dispatch(gpu, attentionCombine, { parts, partStats, o, stats }, params, grid(p.params.rows * lanes, 64), {
    WG: 64,
    LANES: lanes,
  });
  return o;
}

function walkKeys(q: Tensor, k: Tensor, v: Tensor, o: Tensor, stats: Tensor, p: Problem): void {
  const { gpu } = q;
  const { variant, splits } = p.plan;
  const { S, D, Dv } = p.sizes;
  const { rows, perGroup } = shapeOf(gpu, p.plan, TILE);
  const { blocks, tiles } = rowTiles(p, rows);
  inChunks(gpu, p.longest, tiles * splits, perGroup, (rows * S * (D + Dv)) / splits, (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits };
    const buffers = { mask: p.mask, aux: p.aux, q, k, v, o, stats };
    if (variant === 'tiled')
      dispatch(gpu, attentionForwardTiled, buffers, params, groups, tiledOf(p, TILE, Dv), p.hooks);
    else dispatch(gpu, attentionForward, buffers, params, groups, { ...registersOf(gpu, p), DV4: Dv / 4 }, p.hooks);
  });
}

/** log(sum(exp(scores))) of each row, f32. */
export function lseOf(stats: Tensor, lse: Tensor): void {
  dispatch(lse.gpu, attentionLse, { stats, lse }, { size: lse.size }, grid(lse.size, 256));
}

/** The weights before dropout. */
export function weightsOf(q: Tensor, k: Tensor, stats: Tensor, weights: Tensor, p: Problem): void {
  const { gpu } = q;
  const { rows } = p.plan;
  const { blocks, tiles } = rowTiles(p, rows);
  const { D, S } = p.sizes;
  const constants = registersOf(gpu, p);
  inChunks(gpu, p.longest, tiles * Math.ceil(S / 8), constants.WG, 8 * rows * D, (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits: 1 };
    dispatch(
      gpu,
      attentionWeights,
      { mask: p.mask, aux: p.aux, q, k, stats, weights },
      params,
      groups,
      constants,
      p.hooks,
    );
  });
}
