import {
  attentionBackwardKv,
  attentionBackwardKvTiled,
  attentionBackwardMask,
  attentionBackwardQ,
  attentionBackwardQTiled,
  attentionBackwardTiled,
  attentionDelta,
  attentionSinks,
} from '../../generated/kernels.ts';
import { sizeOf } from '../../host.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../cast.ts';
import { sum } from '../reduce.ts';
import { inChunks, registersOf, rowTiles, shapeOf, tiledOf } from './forward.ts';
import type { Problem } from './problem.ts';

const OP = 'scaledDotProductAttention';

/** What the gradient kernels read: the inputs, and for each row the maximum, 1 / sum and delta. */
export interface Given {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly dO: Tensor;
  readonly rows: Tensor;
}

/** delta = dO . O - dlse of each row, beside its statistics. */
export function deltaOf(o: Tensor, stats: Tensor, dO: Tensor, dlse: Tensor | null, p: Problem): Tensor {
  const { gpu } = o;
  const rows = gpu.empty([p.params.rows, 4], 'f32', OP);
  const buffers = { mask: p.mask, aux: p.aux, o, dO, dlse: dlse ?? stats, stats, rows };
  const params = { ...p.params, first: 0, items: 0, blocks: 1, splits: 1 };
  dispatch(gpu, attentionDelta, buffers, params, grid(p.params.rows, 64), { WG: 64, LSE: dlse !== null });
  return rows;
}

const gradientTilesOf = (p: Problem, width: number) => ({ ...tiledOf(p, p.plan.tile, width), MB: p.plan.tile / 32 });

export function gradientOfQ(given: Given, p: Problem): Tensor {
  const { gpu, shape, dtype } = given.q;
  const { S, D, Dv } = p.sizes;
  const isTiled = p.plan.variant === 'tiled';
  const splits = isTiled ? p.plan.splits : 1;
  const { rows, perGroup } = shapeOf(gpu, p.plan, p.plan.tile);
  const { blocks, tiles } = rowTiles(p, rows);
  const part = sizeOf(shape);
  using parts = gpu.empty([splits, part], splits > 1 ? 'f32' : dtype, OP);
  inChunks(gpu, p.longest, tiles * splits, perGroup, (rows * S * (2 * D + Dv)) / splits, (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits, part: part / 4 };
    const buffers = { mask: p.mask, aux: p.aux, ...given, dq: parts };
    if (isTiled) dispatch(gpu, attentionBackwardQTiled, buffers, params, groups, gradientTilesOf(p, D), p.hooks);
    else dispatch(gpu, attentionBackwardQ, buffers, params, groups, { ...registersOf(gpu, p), D4: D / 4 }, p.hooks);
  });
  using dq = addSplits(parts, dtype);
  return dq.reinterpret(dtype, shape);
}

/** The sum of what splits computed, [splits, n]. */
function addSplits(parts: Tensor, dtype: Tensor['dtype']): Tensor {
  if (parts.shape[0] === 1) return parts.reinterpret(dtype, parts.shape.slice(1));
  using total = sum(parts, { axis: 0 });
  return dtype === 'f32' ? total.alias() : cast(total, dtype);
}

export function gradientsOfKV(given: Given, p: Problem): [dk: Tensor, dv: Tensor] {
  const { k, v } = given;
  const { gpu, dtype } = k;
  const { B, H, Hkv, L, S, D, Dv } = p.sizes;
  const { dvAt } = p.params;
  const isTiled = p.plan.variant === 'tiled';
  const splits = isTiled ? p.plan.rowSplits : 1;
  const { keys, perGroup } = shapeOf(gpu, p.plan, p.plan.tile);
  const items = B * Hkv * Math.ceil(S / keys) * splits;
  const work = (2 * keys * L * (H / Hkv) * (D + Dv)) / splits;
  const part = 4 * dvAt + sizeOf(v.shape);
  using parts = gpu.empty([splits, part], splits > 1 ? 'f32' : dtype, OP);
  inChunks(gpu, p.longest, items, perGroup, work, (range, groups) => {
    const params = { ...p.params, ...range, blocks: 1, splits, part: part / 4 };
    const buffers = { mask: p.mask, aux: p.aux, ...given, dkv: parts };
    const tiled = gradientTilesOf(p, Math.max(D, Dv));
    const registers = { ...registersOf(gpu, p), D4: D / 4, DV4: Dv / 4 };
    if (isTiled) dispatch(gpu, attentionBackwardKvTiled, buffers, params, groups, tiled, p.hooks);
    else dispatch(gpu, attentionBackwardKv, buffers, params, groups, registers, p.hooks);
  });
  using dkv = addSplits(parts, dtype);
  const behind = dkv.byteOffset + 4 * dvAt * (dtype === 'f16' ? 2 : 4);
  return [dkv.reinterpret(dtype, k.shape), dkv.reinterpret(dtype, v.shape, behind)];
}

/** The gradients of q, k and v, where a head has one tile of rows and one of keys. */
export function gradientsTogether(given: Given, p: Problem): [dq: Tensor, dk: Tensor, dv: Tensor] {
  const { q, k, v } = given;
  const { gpu, dtype } = q;
  const { B, H, Hkv, L, S, D, Dv } = p.sizes;
  // dK begins where a binding may, as dV behind it.
  const part = Math.ceil(sizeOf(q.shape) / 128) * 32;
  const { dvAt } = p.params;
  using grads = gpu.empty([4 * (part + dvAt) + sizeOf(v.shape)], dtype, OP);
  inChunks(gpu, p.longest, B * Hkv, 1, ((L * H) / Hkv) * S * (3 * D + 2 * Dv), (range, groups) => {
    const params = { ...p.params, ...range, blocks: 1, splits: 1, part };
    const buffers = { mask: p.mask, aux: p.aux, ...given, grads };
    dispatch(gpu, attentionBackwardTiled, buffers, params, groups, gradientTilesOf(p, Math.max(D, Dv)), p.hooks);
  });
  const from = (vec4s: number) => grads.byteOffset + 4 * vec4s * (dtype === 'f16' ? 2 : 4);
  return [
    grads.reinterpret(dtype, q.shape),
    grads.reinterpret(dtype, k.shape, from(part)),
    grads.reinterpret(dtype, v.shape, from(part + dvAt)),
  ];
}

export function gradientOfMask(given: Given, mask: Tensor, p: Problem): Tensor {
  const { gpu } = mask;
  const dmask = gpu.empty(mask.shape, mask.dtype, OP);
  const { B, H, L, S, D, Dv } = p.sizes;
  const { rows } = p.plan;
  const all = [B, H, Math.ceil(L / rows), Math.ceil(S / 8)];
  const items = sizeOf(all.map((n, i) => (p.params.maskAt[i] === 0 ? 1 : n)));
  const walked = sizeOf(all.map((n, i) => (p.params.maskAt[i] === 0 ? n : 1)));
  const constants = registersOf(gpu, p);
  inChunks(gpu, p.longest, dmask.size > 0 ? items : 0, constants.WG, 8 * rows * walked * (D + Dv), (range, groups) => {
    const params = { ...p.params, ...range, loops: 1, span: L, blocks: 1, splits: 1 };
    dispatch(
      gpu,
      attentionBackwardMask,
      { mask: p.mask, aux: p.aux, ...given, dmask },
      params,
      groups,
      constants,
      p.hooks,
    );
  });
  return dmask;
}

export function gradientOfSinks(rows: Tensor, sinks: Tensor, p: Problem): Tensor {
  const dsinks = sinks.gpu.empty(sinks.shape, sinks.dtype, OP);
  const { h, l, rows: count, sinksAt } = p.params;
  dispatch(sinks.gpu, attentionSinks, { aux: p.aux, rows, dsinks }, { h, l, rows: count, sinksAt }, h);
  return dsinks;
}
