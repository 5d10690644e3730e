import {
  attentionCombine,
  attentionForward,
  attentionForwardTiled,
  attentionLse,
  attentionWeights,
} from '../../generated/kernels.ts';
import { isSoftware } from '../../runtime/adapter.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import {
  type Buffers,
  type Constants,
  dispatch,
  grid,
  type Hooks,
  type Kernel,
  type Params,
} from '../../runtime/kernel.ts';
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

/** The tiles of a kernel, how many a workgroup has, and the multiply-adds of one. */
interface Work {
  readonly items: number;
  readonly perGroup: number;
  readonly work: number;
}
/** All kernels here have the same. */
type AttentionParams = Params<typeof attentionForward>;

/** Runs a kernel of attention, in as many dispatches as it takes for none to run too long; beside those of the problem, it takes `params`. */
export function run<const K extends Kernel>(
  gpu: Gpu,
  kernel: K,
  p: Problem,
  { items, perGroup, work }: Work,
  buffers: Omit<Buffers<K>, 'mask' | 'aux'>,
  params: Partial<AttentionParams>,
  constants: Constants<K>,
): void {
  const all = { mask: p.mask, aux: p.aux, ...buffers } as unknown as Buffers<K>;
  const chunks = Math.max(1, Math.ceil((items * work) / p.longest));
  const size = Math.ceil(items / chunks / perGroup) * perGroup;
  for (let first = 0; first < items; first += size) {
    const last = Math.min(first + size, items);
    const given: AttentionParams = { ...p.params, blocks: 1, splits: 1, ...params, first, items: last };
    dispatch(
      gpu,
      kernel,
      all,
      given as unknown as Params<K>,
      grid(last - first, perGroup),
      constants,
      p.hooks as Hooks<K>,
    );
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
  const work = { items: tiles * splits, perGroup, work: (rows * S * (D + Dv)) / splits };
  const buffers = { q, k, v, o, stats };
  if (variant === 'tiled') run(gpu, attentionForwardTiled, p, work, buffers, { blocks, splits }, tiledOf(p, TILE, Dv));
  else run(gpu, attentionForward, p, work, buffers, { blocks, splits }, { ...registersOf(gpu, p), DV4: Dv / 4 });
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
  const work = { items: tiles * Math.ceil(S / 8), perGroup: constants.WG, work: 8 * rows * D };
  run(gpu, attentionWeights, p, work, { q, k, stats, weights }, { blocks }, constants);
}
