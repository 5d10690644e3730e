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
import { registersOf, rowTiles, run, shapeOf, tiledOf } from './forward.ts';
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
  const work = { items: tiles * splits, perGroup, work: (rows * S * (2 * D + Dv)) / splits };
  const buffers = { ...given, dq: parts };
  const params = { blocks, splits, part: part / 4 };
  if (isTiled) run(gpu, attentionBackwardQTiled, p, work, buffers, params, gradientTilesOf(p, D));
  else run(gpu, attentionBackwardQ, p, work, buffers, params, { ...registersOf(gpu, p), D4: D / 4 });
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
  const work = { items, perGroup, work: (2 * keys * L * (H / Hkv) * (D + Dv)) / splits };
  const part = 4 * dvAt + sizeOf(v.shape);
  using parts = gpu.empty([splits, part], splits > 1 ? 'f32' : dtype, OP);
  const buffers = { ...given, dkv: parts };
  const params = { splits, part: part / 4 };
  if (isTiled) run(gpu, attentionBackwardKvTiled, p, work, buffers, params, gradientTilesOf(p, Math.max(D, Dv)));
  else run(gpu, attentionBackwardKv, p, work, buffers, params, { ...registersOf(gpu, p), D4: D / 4, DV4: Dv / 4 });
  using dkv = addSplits(parts, dtype);
  return [viewAt(dkv, 0, k), viewAt(dkv, dvAt, v)];
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
  const work = { items: B * Hkv, perGroup: 1, work: ((L * H) / Hkv) * S * (3 * D + 2 * Dv) };
  run(gpu, attentionBackwardTiled, p, work, { ...given, grads }, { part }, gradientTilesOf(p, Math.max(D, Dv)));
  return [viewAt(grads, 0, q), viewAt(grads, part, k), viewAt(grads, part + dvAt, v)];
}

/** What of `t` begins at so many vec4s, as the gradient of x. */
const viewAt = (t: Tensor, vec4s: number, { dtype, shape }: Tensor) =>
  t.reinterpret(dtype, shape, t.byteOffset + 4 * vec4s * (dtype === 'f16' ? 2 : 4));

export function gradientOfMask(given: Given, mask: Tensor, p: Problem): Tensor {
  const { gpu } = mask;
  const dmask = gpu.empty(mask.shape, mask.dtype, OP);
  const { B, H, L, S, D, Dv } = p.sizes;
  const { rows } = p.plan;
  const all = [B, H, Math.ceil(L / rows), Math.ceil(S / 8)];
  const items = sizeOf(all.map((n, i) => (p.params.maskAt[i] === 0 ? 1 : n)));
  const walked = sizeOf(all.map((n, i) => (p.params.maskAt[i] === 0 ? n : 1)));
  const constants = registersOf(gpu, p);
  const work = { items: dmask.size > 0 ? items : 0, perGroup: constants.WG, work: 8 * rows * walked * (D + Dv) };
  run(gpu, attentionBackwardMask, p, work, { ...given, dmask }, { loops: 1, span: L }, constants);
  return dmask;
}

export function gradientOfSinks(rows: Tensor, sinks: Tensor, p: Problem): Tensor {
  const dsinks = sinks.gpu.empty(sinks.shape, sinks.dtype, OP);
  const { h, l, rows: count, sinksAt } = p.params;
  dispatch(sinks.gpu, attentionSinks, { aux: p.aux, rows, dsinks }, { h, l, rows: count, sinksAt }, h);
  return dsinks;
}
