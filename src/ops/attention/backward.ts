import {
  attentionBackwardKv,
  attentionBackwardKvTiled,
  attentionBackwardMask,
  attentionBackwardQ,
  attentionBackwardQTiled,
  attentionDelta,
  attentionSinks,
} from '../../generated/kernels.ts';
import { sizeOf } from '../../host.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { inChunks, registersOf, rowTiles, shapeOf } from './forward.ts';
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

export function gradientOfQ(given: Given, p: Problem): Tensor {
  const { gpu, shape, dtype } = given.q;
  const { S, D, Dv } = p.sizes;
  const dq = gpu.empty(shape, dtype, OP);
  const { rows, perGroup } = shapeOf(gpu, p.plan);
  const { blocks, tiles } = rowTiles(p, rows);
  inChunks(gpu, p.longest, tiles, perGroup, rows * S * (2 * D + Dv), (range, groups) => {
    const params = { ...p.params, ...range, blocks, splits: 1 };
    const buffers = { mask: p.mask, aux: p.aux, ...given, dq };
    if (p.plan.variant === 'tiled')
      dispatch(
        gpu,
        attentionBackwardQTiled,
        buffers,
        params,
        groups,
        { ...p.constants, D32: Math.ceil(D / 32) },
        p.hooks,
      );
    else dispatch(gpu, attentionBackwardQ, buffers, params, groups, { ...registersOf(gpu, p), D4: D / 4 }, p.hooks);
  });
  return dq;
}

export function gradientsOfKV(given: Given, p: Problem): [dk: Tensor, dv: Tensor] {
  const { k, v } = given;
  const { gpu, dtype } = k;
  const { B, H, Hkv, L, S, D, Dv } = p.sizes;
  const { dvAt } = p.params;
  using dkv = gpu.empty([4 * dvAt + sizeOf(v.shape)], dtype, OP);
  const { keys, perGroup } = shapeOf(gpu, p.plan);
  const work = 2 * keys * L * (H / Hkv) * (D + Dv);
  inChunks(gpu, p.longest, B * Hkv * Math.ceil(S / keys), perGroup, work, (range, groups) => {
    const params = { ...p.params, ...range, blocks: 1, splits: 1 };
    const buffers = { mask: p.mask, aux: p.aux, ...given, dkv };
    const tiled = { ...p.constants, D32: Math.ceil(D / 32), DV32: Math.ceil(Dv / 32) };
    const registers = { ...registersOf(gpu, p), D4: D / 4, DV4: Dv / 4 };
    if (p.plan.variant === 'tiled') dispatch(gpu, attentionBackwardKvTiled, buffers, params, groups, tiled, p.hooks);
    else dispatch(gpu, attentionBackwardKv, buffers, params, groups, registers, p.hooks);
  });
  const behind = dkv.byteOffset + 4 * dvAt * (dtype === 'f16' ? 2 : 4);
  return [dkv.reinterpret(dtype, k.shape), dkv.reinterpret(dtype, v.shape, behind)];
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
