// Decoding with a cache is attention over all that was appended.
import { describe, expect, test } from 'vitest';
import { grad } from '../../../src/autograd/tape.ts';
import { type AttentionDecodeOptions, attentionDecode, KvCache } from '../../../src/ops/attention/kv_cache.ts';
import { scaledDotProductAttention } from '../../../src/ops/attention/scaled_dot_product.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { slice } from '../../../src/ops/slice.ts';
import { square } from '../../../src/ops/unary.ts';
import { LimitError } from '../../../src/runtime/errors.ts';
import { scope } from '../../../src/runtime/scope.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { attention } from '../../helpers/attention.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu, guards } from '../../helpers/gpu.ts';
import { nd } from '../../helpers/nd.ts';

const random = testRandom(21);
const values = (...shape: number[]): Nd =>
  nd(
    shape,
    Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.fround(random() * 2 - 1)),
  );
const upload = (x: Nd) => gpu.tensor(Float32Array.from(x.data), [...x.shape]);
/** Rows [from, to) of [B, H, rows, d]. */
function rows(x: Nd, from: number, to: number): Nd {
  const [B, H, n, d] = x.shape as [number, number, number, number];
  const data = Float64Array.from({ length: B * H * (to - from) * d }, (_, i) => {
    const [c, r, h] = [i % d, Math.floor(i / d) % (to - from), Math.floor(i / d / (to - from))];
    return x.data[(h * n + from + r) * d + c] as number;
  });
  return nd([B, H, to - from, d], data);
}

interface Case {
  readonly B: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  /** Rows appended at a time; the queries are those of the last. */
  readonly parts: readonly number[];
  readonly capacity: number;
  readonly options?: AttentionDecodeOptions;
}

const CASES: Readonly<Record<string, Case>> = {
  'a token at a time': { B: 1, H: 2, Hkv: 2, D: 4, Dv: 4, parts: [1, 1, 1], capacity: 8 },
  'a prompt, then one token, grouped heads': { B: 2, H: 4, Hkv: 2, D: 8, Dv: 4, parts: [9, 1], capacity: 16 },
  'widths that are no multiples of four': { B: 1, H: 2, Hkv: 1, D: 6, Dv: 5, parts: [3, 2], capacity: 5 },
  'sixteen tokens at once, over many keys in ranges': {
    ...{ B: 1, H: 2, Hkv: 1, D: 8, Dv: 8, parts: [250, 16], capacity: 300 },
    options: { plan: { splits: 3 } },
  },
  'a window, a soft cap and a scale': {
    ...{ B: 1, H: 1, Hkv: 1, D: 4, Dv: 4, parts: [20, 3], capacity: 23 },
    options: { window: [5, 0], softcap: 0.7, scale: 0.9 },
  },
  'not causal': { B: 1, H: 1, Hkv: 1, D: 4, Dv: 4, parts: [4, 3], capacity: 9, options: { isCausal: false } },
};

test.each(Object.entries(CASES))('%s', async (_, { B, H, Hkv, D, Dv, parts, capacity, options }) => {
  const S = parts.reduce((a, b) => a + b);
  const L = parts.at(-1) as number;
  const [q, k, v] = [values(B, H, L, D), values(B, Hkv, S, D), values(B, Hkv, S, Dv)];
  using cache = new KvCache(gpu, { batch: B, heads: Hkv, capacity, keySize: D, valueSize: Dv });
  let done = 0;
  for (const n of parts) {
    cache.append(upload(rows(k, done, done + n)), upload(rows(v, done, done + n)));
    done += n;
  }
  expect(cache.lengths).toEqual(Array(B).fill(S));
  const out = attentionDecode(upload(q), cache, options);
  const { plan: _plan, ...rest } = options ?? {};
  const want = attention(q, k, v, { isCausal: true, ...(rest as object), alignment: 'lower-right' });
  expectClose('output', { shape: out.shape, data: await out.data() }, want.output, 1e-5);
  await guards.verify();
});

test('lengths of their own: counts, truncation, and sequences that end earlier', async () => {
  const [B, D] = [3, 4];
  const [k, v] = [values(B, 1, 6, D), values(B, 1, 6, D)];
  using cache = new KvCache(gpu, { batch: B, heads: 1, capacity: 10, keySize: D });
  cache.append(upload(rows(k, 0, 4)), upload(rows(v, 0, 4)), [4, 2, 0]);
  expect(cache.lengths).toEqual([4, 2, 0]);
  cache.truncate([3, 9, 9]);
  expect(cache.lengths).toEqual([3, 2, 0]);
  cache.append(upload(rows(k, 4, 6)), upload(rows(v, 4, 6)), [2, 1, 2]);
  expect(cache.lengths).toEqual([5, 3, 2]);
  expect(await cache.lengthsOnDevice.array()).toEqual([5, 3, 2]);
  const q = values(B, 1, 2, D);
  const counts = gpu.tensor(Uint32Array.from([2, 1, 2]));
  const out = (await attentionDecode(upload(q), cache, { queryLengths: counts }).array()) as number[][][][];
  const kept = [
    [0, 1, 2, 4, 5],
    [0, 1, 4],
    [4, 5],
  ];
  for (let b = 0; b < B; b++) {
    const at = (kept[b] as number[]).length;
    const pick = (x: Nd) =>
      nd(
        [1, 1, at, D],
        (kept[b] as number[]).flatMap((r) => [...x.data.slice((b * 6 + r) * D, (b * 6 + r + 1) * D)]),
      );
    const n = [2, 1, 2][b] as number;
    const own = nd([1, 1, n, D], q.data.slice(b * 2 * D, (b * 2 + n) * D));
    const want = attention(own, pick(k), pick(v), { isCausal: true, alignment: 'lower-right' }).output;
    const got = out[b]?.[0]?.slice(0, n).flat() as number[];
    got.forEach((x, i) => expect(x).toBeCloseTo(want.data[i] as number, 5));
    expect(
      out[b]?.[0]
        ?.slice(n)
        .flat()
        .every((x) => x === 0),
    ).toBe(true);
  }
});

test('the gradient of the queries', async () => {
  using cache = new KvCache(gpu, { heads: 1, capacity: 6, keySize: 4 });
  const [k, v] = [values(1, 1, 5, 4), values(1, 1, 5, 4)];
  cache.append(upload(k), upload(v));
  const q = upload(values(1, 1, 2, 4));
  const got = await grad(() => sum(square(attentionDecode(q, cache))), q).data();
  const direct = () =>
    sum(square(scaledDotProductAttention(q, upload(k), upload(v), { isCausal: true, alignment: 'lower-right' })));
  const want = await grad(direct, q).data();
  expectClose('dq', { shape: q.shape, data: got }, { shape: q.shape, data: Float64Array.from(want) }, 1e-6);
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => new KvCache(gpu, { heads: 1, capacity: 6, keySize: 4, dtype: 'f16' })).toThrow(LimitError);
    return;
  }
  const op = (q: Tensor, k: Tensor, v: Tensor) => {
    const cache = new KvCache(gpu, { heads: 1, capacity: 8, keySize: 6, dtype: 'f16' });
    cache.append(k, v);
    return attentionDecode(q, cache);
  };
  const reference = (q: Nd, k: Nd, v: Nd) => attention(q, k, v, { isCausal: true, alignment: 'lower-right' }).output;
  const input = (rows: number, grad: boolean) => ({ shape: [1, 1, rows, 6], dtype: 'f16', grad }) as const;
  await checkOp(gpu, op as never, reference as never, [input(2, true), input(7, false), input(7, false)]);
});

test('a step is two dispatches and one submit, and allocates nothing', () =>
  bare(async (gpu) => {
    const cache = new KvCache(gpu, { heads: 2, capacity: 64, keySize: 8 });
    const x = gpu.tensor(new Float32Array(16).fill(1), [1, 2, 1, 8]);
    const step = () =>
      scope(() => {
        cache.append(x, x);
        return attentionDecode(x, cache).alias();
      });
    for (let i = 0; i < 4; i++) step().dispose();
    await gpu.sync();
    const [memory] = [gpu.memory()];
    gpu.resetCounters();
    for (let i = 0; i < 10; i++) step().dispose();
    await gpu.sync();
    const { dispatches, bytesAllocated, submits } = gpu.counters();
    expect({ dispatches, bytesAllocated, submits }).toEqual({ dispatches: 20, bytesAllocated: 0, submits: 10 });
    expect(gpu.memory().live).toBe(memory.live);
  }));

test('what a scope makes for a cache outlives it', async () => {
  const cache = scope(() => {
    const made = { cache: new KvCache(gpu, { heads: 1, capacity: 4, keySize: 4 }) };
    made.cache.append(gpu.zeros([1, 1, 2, 4]), gpu.zeros([1, 1, 2, 4]));
    return made;
  }).cache;
  expect(await slice(cache.keys, [null, null, [0, 2]]).data()).toEqual(new Float32Array(8));
  cache.dispose();
  expect(cache.keys.disposed).toBe(true);
});

describe('errors leave the cache as it was', () => {
  const z = (...shape: number[]) => gpu.zeros(shape);
  test.each([
    [
      () => new KvCache(gpu, { heads: 0, capacity: 1, keySize: 1 }),
      'KvCache: heads must be a whole number of at least 1, got 0',
    ],
    [
      () => new KvCache(gpu, { heads: 1, capacity: 1, keySize: 1, dtype: 'i32' as never }),
      'KvCache: dtype must be f32 or f16, got i32',
    ],
  ])('%#', (f, message) => {
    expect(f).toThrow(message);
  });

  test('append, truncate and decode', () => {
    using cache = new KvCache(gpu, { batch: 2, heads: 1, capacity: 3, keySize: 4 });
    cache.append(z(2, 1, 2, 4), z(2, 1, 2, 4));
    expect(() => cache.append(z(2, 1, 2, 4), z(2, 1, 2, 4), [1, 2])).toThrow(
      'KvCache.append: sequence 1 would have 4 keys, more than the capacity of 3',
    );
    expect(() => cache.append(z(2, 1, 1, 4), z(2, 1, 1, 4), [2, 0])).toThrow(
      'KvCache.append: counts must be 2 whole numbers in [0, 1], got [2, 0]',
    );
    expect(() => cache.append(z(2, 1, 1, 5), z(2, 1, 1, 4))).toThrow(
      'KvCache.append: k must have shape [2, 1, *, 4], got f32[2, 1, 1, 5]',
    );
    expect(() => cache.append(gpu.zeros([2, 1, 1, 4], 'i32'), z(2, 1, 1, 4))).toThrow(
      'KvCache.append: k must be f32, got i32[2, 1, 1, 4]',
    );
    expect(() => cache.truncate([1])).toThrow(
      'KvCache.truncate: lengths must be 2 whole numbers of at least 0, or one, got [1]',
    );
    expect(() => attentionDecode(z(1, 1, 1, 4), cache)).toThrow(
      'attentionDecode: q must have shape [2, *, *, 4], got f32[1, 1, 1, 4]',
    );
    expect(cache.lengths).toEqual([2, 2]);
  });
});
