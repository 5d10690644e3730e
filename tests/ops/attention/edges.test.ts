import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../../src/autograd/tape.ts';
import { scaledDotProductAttention } from '../../../src/ops/attention/scaled_dot_product.ts';
import { mul } from '../../../src/ops/binary.ts';
import { cast } from '../../../src/ops/cast.ts';
import { dropout } from '../../../src/ops/dropout.ts';
import { matmul } from '../../../src/ops/matmul.ts';
import { randn } from '../../../src/ops/random.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { softmax } from '../../../src/ops/softmax.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp } from '../../../src/testing/check.ts';
import { attention } from '../../helpers/attention.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';

const FLOOR = Math.fround(-3.4e38);
const u32 = (...data: number[]) => gpu.tensor(data, undefined, { dtype: 'u32' });

describe('nothing to see', () => {
  test('zeros, zero gradients, lse -3.4e38', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => randn(gpu, [1, 2, 3, 4], { seed })) as [Tensor, Tensor, Tensor];
    const mask = gpu.tensor([[true], [false], [true]].flat(), [3, 1]);
    const run = () => {
      const { output, lse, weights } = scaledDotProductAttention(q, k, v, {
        mask,
        returnLse: true,
        returnWeights: true,
      });
      return [output, lse, weights];
    };
    const seeds = [randn(gpu, [1, 2, 3, 4], { seed: 4 }), randn(gpu, [1, 2, 3], { seed: 5 }), null];
    const { outputs, grads } = vjp(run, [q, k, v], seeds);
    const [output, lse, weights] = (await Promise.all(outputs.map((t) => t.data()))) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect([...output.slice(4, 8), ...output.slice(16, 20)]).toEqual(Array(8).fill(0));
    expect([...weights.slice(3, 6)]).toEqual([0, 0, 0]);
    expect([lse[1], lse[4]]).toEqual([FLOOR, FLOOR]);
    const dq = await (grads[0] as Tensor).data();
    expect([...dq.slice(4, 8)]).toEqual([0, 0, 0, 0]);
    expect(dq.every(Number.isFinite)).toBe(true);
  });

  test('no keys at all, no queries, no batch', async () => {
    const none = scaledDotProductAttention(gpu.zeros([1, 1, 2, 4]), gpu.zeros([1, 1, 0, 4]), gpu.zeros([1, 1, 0, 3]));
    expect([...(await none.data())]).toEqual([0, 0, 0, 0, 0, 0]);
    const empty = scaledDotProductAttention(gpu.zeros([2, 1, 0, 4]), gpu.zeros([2, 1, 3, 4]), gpu.zeros([2, 1, 3, 4]));
    expect(empty.shape).toEqual([2, 1, 0, 4]);
    expect(scaledDotProductAttention(gpu.zeros([0, 5, 4]), gpu.zeros([0, 3, 4]), gpu.zeros([0, 3, 2])).shape).toEqual([
      0, 5, 2,
    ]);
  });

  test('float masks of -inf and -1e30', () =>
    checkOp(
      gpu,
      (q, k, v, mask) => scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor, { mask: mask as Tensor }),
      (q, k, v, mask) => attention(q as never, k as never, v as never, { mask: mask as never }).output,
      [
        [1, 1, 3, 4],
        [1, 1, 3, 4],
        [1, 1, 3, 4],
        {
          shape: [3, 3],
          data: [0, Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, -1e30, 0.5, -1e30, -1e30, -1e30],
          grad: false,
        },
      ],
      { gradient: false }, // differences of what -1e30 was added to are nothing
    ));
});

describe.each([
  ['as planned', {}],
  ['tiled', { plan: { variant: 'tiled' } }],
  ['tiles of 64', { plan: { variant: 'tiled', tile: 64 } }],
] as const)('NaN stays where it may be seen, %s', (_, forced) => {
  const run = async (options: object, hurt: 'queries' | 'keys' | 'values', at: number, S = 10) => {
    const [q, k, v] = [1, 2, 3].map((seed) => randn(gpu, [1, 1, S, 8], { seed })) as [Tensor, Tensor, Tensor];
    const spoil = async (t: Tensor, row: number) => {
      const data = await t.data();
      data.fill(Number.NaN, row * 8, row * 8 + 8);
      return gpu.tensor(data, t.shape);
    };
    const all = [
      hurt === 'queries' ? await spoil(q, at) : q,
      hurt === 'keys' ? await spoil(k, at) : k,
      hurt === 'values' ? await spoil(v, at) : v,
    ] as const;
    const dy = randn(gpu, [1, 1, S, 8], { seed: 4 });
    const { outputs, grads } = vjp(() => scaledDotProductAttention(...all, { ...options, ...forced }), all, [dy]);
    const rows = async (t: Tensor) => {
      const data = await t.data();
      return Array.from({ length: S }, (_, r) => data.slice(r * 8, r * 8 + 8).every(Number.isFinite));
    };
    return { output: await rows(outputs[0] as Tensor), grads: await Promise.all(grads.map(rows)) };
  };

  test.each(['keys', 'values'] as const)('%s past their length', async (hurt) => {
    const { output, grads } = await run({ keyLengths: u32(7) }, hurt, 8);
    expect(output.every(Boolean)).toBe(true);
    expect(grads.flat().every(Boolean)).toBe(true);
  });

  test.each(['keys', 'values'] as const)('%s that some queries may not see', async (hurt) => {
    const { output, grads } = await run({ isCausal: true }, hurt, 6);
    expect(output).toEqual([true, true, true, true, true, true, false, false, false, false]);
    // Queries before it have no part in it, and keys that only they see have none either.
    expect(grads[0]).toEqual(output);
  });

  test('queries that do not see some keys', async () => {
    const { output, grads } = await run({ isCausal: true }, 'queries', 6);
    const others = output.map((_, row) => row !== 6);
    expect(output).toEqual(others);
    expect(grads[0]).toEqual(others);
    const unseen = output.map((_, key) => key > 6);
    expect(grads[1]).toEqual(unseen);
    expect(grads[2]).toEqual(unseen);
  });

  test('keys and values that a mask hides from all', async () => {
    const mask = gpu.tensor(
      Array.from({ length: 10 }, (_, j) => j !== 3),
      [1, 10],
    );
    for (const hurt of ['keys', 'values'] as const) {
      const { output, grads } = await run({ mask }, hurt, 3);
      expect([output, ...grads].flat().every(Boolean)).toBe(true);
    }
  });
});

describe('results', () => {
  // llvmpipe takes half a minute to compile all of it.
  test('f16: at most twice the error of the composition, forward and backward', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow('shader-f16');
      return;
    }
    const shape = [1, 2, 20, 8];
    const full = [1, 2, 3, 4].map((seed) => randn(gpu, shape, { seed })) as [Tensor, Tensor, Tensor, Tensor];
    const half = full.map((t) => cast(t, 'f16')) as [Tensor, Tensor, Tensor, Tensor];
    const exact = half.map((t) => cast(t, 'f32')) as [Tensor, Tensor, Tensor, Tensor];
    const run = async (
      f: (q: Tensor, k: Tensor, v: Tensor) => Tensor,
      [q, k, v, dy]: readonly [Tensor, Tensor, Tensor, Tensor],
    ) => {
      const { outputs, grads } = vjp(() => f(q, k, v), [q, k, v], [dy]);
      return Promise.all([...outputs, ...grads].map((t) => t.data()));
    };
    const composed = (q: Tensor, k: Tensor, v: Tensor) =>
      matmul(softmax(matmul(mul(q, 8 ** -0.5), k, { transposeB: true })), v);
    const want = await run(scaledDotProductAttention, exact);
    const [fused, plain] = await Promise.all([run(scaledDotProductAttention, half), run(composed, half)]);
    const error = (got: ArrayLike<number>, to: ArrayLike<number>) =>
      Math.sqrt(Array.from(got).reduce((t, x, i) => t + (x - (to[i] as number)) ** 2, 0));
    want.forEach((w, i) => {
      expect(error(fused[i] as never, w)).toBeLessThanOrEqual(2 * error(plain[i] as never, w));
    });
  });

  test('the same bits twice, forward and backward', async () => {
    const [q, k, v, dy] = [1, 2, 3, 4].map((seed) => randn(gpu, [2, 2, 20, 8], { seed })) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const sinks = randn(gpu, [2], { seed: 5 });
    const mask = randn(gpu, [20, 20], { seed: 6 });
    const wrt = [q, k, v, sinks, mask];
    const run = async () => {
      const options = { sinks, mask, dropout: { p: 0.2, seed: 1 }, isCausal: true };
      const { outputs, grads } = vjp(() => scaledDotProductAttention(q, k, v, options), wrt, [dy]);
      return (await Promise.all([...outputs, ...grads].map((t) => t.data()))).map((d) => [...d]);
    };
    expect(await run()).toEqual(await run());
  });

  test('dropout drops what dropout of the weights drops', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => randn(gpu, [2, 2, 5, 4], { seed })) as [Tensor, Tensor, Tensor];
    for (const offset of [0, 3]) {
      const options = { p: 0.5, seed: 7, offset };
      const { weights } = scaledDotProductAttention(q, k, v, { returnWeights: true });
      const want = await matmul(dropout(weights, options), v).data();
      const got = await scaledDotProductAttention(q, k, v, { dropout: options }).data();
      got.forEach((x, i) => expect(x).toBeCloseTo(want[i] as number, 5));
    }
  });

  test('3-D inputs are one head, their masks [B, L, S]', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => randn(gpu, [2, 3, 4], { seed })) as [Tensor, Tensor, Tensor];
    const mask = randn(gpu, [2, 3, 3], { seed: 4 });
    const four = (t: Tensor) => t.reinterpret('f32', [2, 1, 3, 4]);
    const got = scaledDotProductAttention(q, k, v, { mask, returnLse: true, returnWeights: true });
    expect([got.output, got.lse, got.weights].map((t) => t.shape)).toEqual([
      [2, 3, 4],
      [2, 3],
      [2, 3, 3],
    ]);
    const want = scaledDotProductAttention(four(q), four(k), four(v), { mask: mask.reinterpret('f32', [2, 1, 3, 3]) });
    expect(await got.output.data()).toEqual(await want.data());
  });

  test('Hessian-vector products, with all that the plain definition has', async () => {
    const options = { isCausal: true, alignment: 'lower-right', softcap: 1.5, scale: 0.8, window: [3, -1] } as const;
    await checkHessian(
      gpu,
      (q, k, v, mask, sinks) =>
        scaledDotProductAttention(q as Tensor, k as Tensor, v as Tensor, {
          ...options,
          mask: mask as Tensor,
          sinks: sinks as Tensor,
        }),
      (q, k, v, mask, sinks) =>
        attention(q as never, k as never, v as never, { ...options, mask: mask as never, sinks: sinks as never })
          .output,
      [{ shape: [1, 2, 2, 2] }, { shape: [1, 1, 3, 2] }, { shape: [1, 1, 3, 2] }, { shape: [2, 3] }, { shape: [2] }],
    );
  });

  test('no buffer over four times q, forward and backward', () =>
    bare(async (device) => {
      const shape = [1, 8, 4096, 64];
      const size = 4 * 8 * 4096 * 64;
      const q = device.empty(shape);
      const k = device.empty(shape);
      const v = device.empty(shape);
      await device.sync();
      device.resetCounters();
      const largest: number[] = [];
      const { take } = device.pool;
      device.pool.take = (op, bytes) => {
        largest.push(bytes);
        return take.call(device.pool, op, bytes);
      };
      // Compiles and allocates all of it, and computes nothing.
      await device.prepare(() => grad(() => sum(mul(scaledDotProductAttention(q, k, v), 2)), [q, k, v]));
      expect(Math.max(...largest)).toBeLessThanOrEqual(4 * size);
      expect(device.memory().peak).toBeLessThan(12 * size);
    }));
});

test('errors name what they got', () => {
  const z = (...shape: number[]) => gpu.zeros(shape);
  const x = z(2, 4, 3, 8);
  const call = (options: object, q = x, k = x, v = x) =>
    expect(() => scaledDotProductAttention(q, k, v, options as never));
  call({}, z(1, 3, 2, 4), z(1, 2, 2, 4), z(1, 2, 2, 4)).toThrow(
    'the heads of q must be a multiple of those of k and v, got q f32[1, 3, 2, 4], k f32[1, 2, 2, 4]',
  );
  call({}, z(1, 2, 4), z(1, 2, 5), z(1, 2, 4)).toThrow('q and k must have the same head dimension');
  call({}, z(2, 4), z(2, 4), z(2, 4)).toThrow('must all be [B, H, L, D] or all [B, L, D]');
  call({}, z(1, 1, 2, 257), z(1, 1, 2, 257), z(1, 1, 2, 4)).toThrow('head dimensions must be in [1, 256]');
  call({ layout: 'lbhd' }).toThrow("layout must be 'bhld' or 'blhd', got 'lbhd'");
  call({ mask: z(4, 1, 3, 3) }).toThrow(
    'mask must be broadcastable to the scores [2, 4, 3, 3], got f32[4, 1, 3, 3] (q: f32[2, 4, 3, 8])',
  );
  call({ mask: gpu.zeros([3, 3], 'i32') }).toThrow('mask must be bool or f32, got i32[3, 3]');
  call({ keyLengths: z(2) }).toThrow('keyLengths must be u32, got f32[2]');
  call({ queryLengths: gpu.zeros([3], 'u32') }).toThrow('queryLengths must have shape [2], got u32[3]');
  call({ alibi: z(3) }).toThrow('alibi must have shape [4], got f32[3]');
  call({ sinks: z(4, 1) }).toThrow('sinks must have shape [4], got f32[4, 1]');
  call({ dropout: { p: 1, seed: 0 } }).toThrow('dropout.p must be in [0, 1), got 1');
  call({ dropout: { p: 0.5, seed: -1 } }).toThrow('seed must be a whole number');
  call({ window: [-2, 1] }).toThrow('window must be [left, right], whole numbers >= -1, got [-2, 1]');
  call({ softcap: 0 }).toThrow('softcap must be positive and finite, got 0');
  call({ scale: Number.NaN }).toThrow('scale must be finite, got NaN');
  call({ alignment: 'center' }).toThrow("alignment must be 'upper-left' or 'lower-right', got 'center'");
  const alibi = gpu.tensor([1, 1, 1, 1]);
  expect(() => grad(() => sum(scaledDotProductAttention(x, x, x, { alibi })), [alibi])).toThrow(
    'alibi has no gradient',
  );
});
