import { describe, expect, test } from 'vitest';
import { grad } from '../../../src/autograd/tape.ts';
import type { Plan } from '../../../src/ops/attention/plan.ts';
import { scaledDotProductAttention } from '../../../src/ops/attention/scaled_dot_product.ts';
import { sum } from '../../../src/ops/reduce.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, type Nd } from '../../../src/testing/check.ts';
import { attention } from '../../helpers/attention.ts';
import { gpu } from '../../helpers/gpu.ts';

const check = (
  plan: Partial<Plan>,
  L: number,
  S: number,
  D: number,
  Dv: number,
  options: object = {},
  gradient = false,
  H = 1,
  Hkv = 1,
) =>
  checkOp(
    gpu,
    (q, k, v) => scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor, { plan, ...options }),
    (q, k, v) => attention(q as Nd, k as Nd, v as Nd, options).output,
    [
      [1, H, L, D],
      [1, Hkv, S, D],
      [1, Hkv, S, Dv],
    ],
    { gradient },
  );

// Sizes below, at and above each block (4, 8) and tile (32, 64), and heads of one, several and many vec4s.
describe.each([
  ['registers, 4 rows', { variant: 'registers', rows: 4 }],
  ['registers, 8 rows', { variant: 'registers', rows: 8 }],
  ['tiled', { variant: 'tiled' }],
] as const)('%s', (_, plan) => {
  test.each([
    [7, 8],
    [8, 9],
    [31, 32],
    [33, 65],
  ])('L%i S%i', (L, S) => check(plan, L, S, 4, 4));

  test('heads wider than a tile', () => check(plan, 5, 33, 36, 68));
  test('gradients over several tiles, causal', () =>
    check(plan, 34, 37, 4, 4, { isCausal: true, window: [20, -1] }, true));
  test('gradients with shared heads, few rows', () => check(plan, 3, 35, 4, 4, {}, true, 4, 2));
  test('gradients with shared heads, many rows', () => check(plan, 33, 9, 4, 4, {}, true, 2, 1));
});

describe('tiled', () => {
  const ranges = { variant: 'tiled', splits: 2, rowSplits: 3 } as const;
  test('gradients in ranges, causal', () => check(ranges, 66, 69, 2, 1, { isCausal: true, window: [40, -1] }, true));
  test('gradients of whole tiles, in ranges', () => check(ranges, 64, 64, 1, 2, {}, true));
  const together = { variant: 'tiled', together: true } as const;
  test.each([true, false])('gradients of one tile, together: %s', async (together) => {
    await check({ variant: 'tiled', together }, 32, 32, 4, 8, {}, true);
    await check({ variant: 'tiled', together }, 5, 7, 36, 40, { isCausal: true }, true, 2, 2);
  });
  test('gradients together, of heads that share keys', async () => {
    await check(together, 9, 11, 4, 4, { isCausal: true }, true, 4, 2);
    await check(together, 3, 11, 4, 4, {}, true, 4, 2);
  });
  test('gradients together are one kernel, unless one input alone needs one', async () => {
    const [q, k, v] = [5, 7, 7].map((n) => gpu.zeros([1, 2, n, 4])) as [Tensor, Tensor, Tensor];
    const kernels = async (together: boolean, wrt: Tensor[]) => {
      const plan = { variant: 'tiled', together } as const;
      const profile = await gpu.profile(() => void grad(() => sum(scaledDotProductAttention(q, k, v, { plan })), wrt));
      return profile.kernels.map(({ name }) => name).filter((name) => name.includes('attention_backward'));
    };
    expect(await kernels(true, [q, k, v])).toEqual(['attention/attention_backward_tiled']);
    expect(await kernels(true, [q])).toEqual(['attention/attention_backward_q_tiled']);
    expect(await kernels(true, [k, v])).toEqual(['attention/attention_backward_kv_tiled']);
    expect(await kernels(false, [q, k, v])).toHaveLength(2);
  });
  test('tiles of 64: gradients, causal', () =>
    check({ variant: 'tiled', tile: 64 }, 66, 69, 2, 1, { isCausal: true, window: [40, -1] }, true));
  test('tiles of 64: gradients, whole', () => check({ variant: 'tiled', tile: 64 }, 64, 64, 1, 2, {}, true));
  test('tiles of 64: wide heads', () => check({ variant: 'tiled', tile: 64 }, 64, 64, 68, 132));
});

test('the widest heads', () =>
  checkOp(
    gpu,
    (q, k, v) => scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor),
    (q, k, v) => attention(q as Nd, k as Nd, v as Nd).output,
    [
      [1, 1, 3, 256],
      [1, 1, 5, 256],
      [1, 1, 5, 256],
    ],
    { gradient: false },
  ));
