import { describe, expect, test } from 'vitest';
import { uniform as uniformKernel } from '../../src/generated/kernels.ts';
import { fromHalf, toHalf } from '../../src/host.ts';
import { advance, locate, permutation, randint, randn, uniform } from '../../src/ops/random.ts';
import { philoxNormals, philoxWords, toUnit } from '../../src/random/philox.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import { dispatch, grid } from '../../src/runtime/kernel.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Guards } from '../../src/testing/guard.ts';
import { gpu, guards } from '../helpers/gpu.ts';

async function read(make: () => Tensor): Promise<Float64Array> {
  using t = scope(make);
  const data = Float64Array.from(await t.data());
  await guards.verify();
  return data;
}

const uniforms = (seed: number, offset: number, n: number, low: number, high: number): Float64Array => {
  const [l, span] = [Math.fround(low), Math.fround(Math.fround(high) - Math.fround(low))];
  return Float64Array.from(philoxWords(seed, offset, n), (w) => Math.fround(l + Math.fround(toUnit(w) * span)));
};

const SIZES = [1, 2, 3, 4, 5, 7, 1023, 1024, 1025, 5000];

describe('uniform', () => {
  test.each(SIZES)('%i elements are the stream, bit for bit', async (n) => {
    expect(await read(() => uniform(gpu, [n], { seed: 42 }))).toEqual(uniforms(42, 0, n, 0, 1));
    // Not a power of two, so that sum and product round: a fused multiply-add would show.
    expect(await read(() => uniform(gpu, [n], { seed: 2 ** 53 - 1, low: -0.1, high: 0.2 }))).toEqual(
      uniforms(2 ** 53 - 1, 0, n, -0.1, 0.2),
    );
  });

  test.each([1, 2, 3, 4, 2 ** 34 - 6, 2 ** 53 - 20])('offset %i begins there in the stream', async (offset) => {
    expect(await read(() => uniform(gpu, [2, 3, 3], { seed: 5, offset }))).toEqual(uniforms(5, offset, 18, 0, 1));
  });

  test('more than 65,535 workgroups', async () => {
    const size = 65_536 * 32 * 4 + 3; // small workgroups, so that it need not be gigabytes
    using out = gpu.empty([size]);
    using state = gpu.empty([1], 'u32');
    const { quads, ...where } = locate('uniform', { seed: 1, offset: 1 }, size);
    dispatch(gpu, uniformKernel, { state, out }, { ...where, low: 0, span: 1, last: 2, zero: 0 }, grid(quads, 32), {
      WG: 32,
    });
    await guards.verify();
    const data = await out.data();
    expect(Float64Array.from(data.slice(-67))).toEqual(uniforms(1, 1 + size - 67, 67, 0, 1));
    expect(data.every((v) => v >= 0 && v < 1)).toBe(true);
  });

  test('stays below high where rounding would reach it', async () => {
    const data = await read(() => uniform(gpu, [40_000], { seed: 3, low: 2 ** 23, high: 2 ** 23 + 2 }));
    expect(new Set(data)).toEqual(new Set([2 ** 23, 2 ** 23 + 1]));
  });

  test('empty', async () => {
    expect(await read(() => uniform(gpu, [0, 3], { seed: 1 }))).toEqual(new Float64Array(0));
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => uniform(gpu, [3], { seed: 1, dtype: 'f16' })).toThrow(LimitError);
      return;
    }
    const data = await read(() => uniform(gpu, [9000], { seed: 1, dtype: 'f16' }));
    const last = fromHalf(toHalf(1) - 1);
    // WGSL leaves open to which side a conversion rounds.
    uniforms(1, 0, 9000, 0, 1).forEach((w, i) =>
      expect(Math.abs((data[i] as number) - Math.min(w, last))).toBeLessThanOrEqual(2 ** -11),
    );
    expect(Math.max(...data)).toBe(last);
  });

  test('mean, variance, distribution', async () => {
    const n = 1 << 18;
    const data = await read(() => uniform(gpu, [n], { seed: 2024 }));
    const { mean, variance } = moments(data);
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
    const bins = new Float64Array(256);
    for (const v of data) bins[Math.floor(v * 256)]!++;
    const chi = bins.reduce((a, b) => a + (b - n / 256) ** 2 / (n / 256), 0);
    expect(Math.abs(chi - 255)).toBeLessThan(5 * Math.sqrt(2 * 255)); // five sigma of chi-square with 255 degrees of freedom
  });

  test('no correlation between lags, seeds and steps', async () => {
    const n = 1 << 16;
    const state = gpu.tensor([0], [1], { dtype: 'u32' });
    const a = await read(() => uniform(gpu, [n + 16], { seed: 11, state }));
    advance(state);
    const others = [
      ...[1, 2, 3, 4, 5, 16].map((lag) => a.slice(lag, n + lag)),
      await read(() => uniform(gpu, [n], { seed: 12 })),
      await read(() => uniform(gpu, [n], { seed: 11 + 2 ** 32 })),
      await read(() => uniform(gpu, [n], { seed: 11, state })),
    ];
    for (const b of others) expect(Math.abs(correlation(a.slice(0, n), b))).toBeLessThan(5 / Math.sqrt(n));
    state.dispose();
  });
});

describe('randn', () => {
  test.each(SIZES)('%i elements are within a few units in the last place of the reference', async (n) => {
    expectUlps(await read(() => randn(gpu, [n], { seed: 7 })), philoxNormals(7, 0, n));
  });

  test.each([1, 2, 3, 2 ** 34 - 6])('offset %i begins there in the stream', async (offset) => {
    expectUlps(await read(() => randn(gpu, [21], { seed: 7, offset })), philoxNormals(7, offset, 21));
  });

  test('a hundred thousand of them, far out and next to zero', async () => {
    expectUlps(await read(() => randn(gpu, [100_000], { seed: 9 })), philoxNormals(9, 0, 100_000));
  });

  test('mean and std', async () => {
    const data = await read(() => randn(gpu, [999], { seed: 1, mean: 3, std: 0.5 }));
    const z = philoxNormals(1, 0, 999);
    data.forEach((v, i) => expect(Math.abs(v - (3 + 0.5 * (z[i] as number)))).toBeLessThan(1e-6));
    expect(await read(() => randn(gpu, [5], { seed: 1, mean: 2, std: 0 }))).toEqual(new Float64Array(5).fill(2));
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => randn(gpu, [3], { seed: 1, dtype: 'f16' })).toThrow(LimitError);
      return;
    }
    const data = await read(() => randn(gpu, [1000], { seed: 1, dtype: 'f16' }));
    const want = philoxNormals(1, 0, 1000);
    data.forEach((v, i) => expect(Math.abs(v - (want[i] as number))).toBeLessThan(2 ** -10 * Math.max(1, Math.abs(v))));
  });

  test('moments, and the distribution by its quantiles', async () => {
    const n = 1 << 18;
    const data = await read(() => randn(gpu, [n], { seed: 77 }));
    const { mean, variance } = moments(data);
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    const third = data.reduce((a, v) => a + v ** 3, 0) / n;
    const fourth = data.reduce((a, v) => a + v ** 4, 0) / n;
    expect(Math.abs(third)).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(fourth - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    const inside = [
      [1, 0.682689],
      [2, 0.9544997],
      [3, 0.9973002],
      [4, 0.99993666],
    ] as const;
    for (const [z, p] of inside) {
      const share = data.filter((v) => Math.abs(v) < z).length / n;
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n) + 1 / n);
    }
    expect(Math.abs(correlation(data.slice(0, -1), data.slice(1)))).toBeLessThan(5 / Math.sqrt(n));
    const squares = data.map((v) => v * v);
    expect(Math.abs(correlation(squares.slice(0, -1), squares.slice(1)))).toBeLessThan(5 / Math.sqrt(n));
  });
});

describe('randint', () => {
  test.each([
    ['i32', -3, 4],
    ['i32', 0, 1],
    ['i32', -(2 ** 31), 2 ** 31],
    ['u32', 5, 1005],
    ['u32', 0, 2 ** 32],
  ] as const)('%s in [%i, %i) is the stream scaled', async (dtype, low, high) => {
    const got = await read(() => randint(gpu, [1027], { seed: 8, offset: 3, low, high, dtype }));
    const want = Float64Array.from(
      philoxWords(8, 3, 1027),
      (w) => low + Number((BigInt(w) * BigInt(high - low)) >> 32n),
    );
    expect(got).toEqual(want);
  });
});

test('permutation', async () => {
  const order = await read(() => permutation(gpu, 1000, { seed: 4 }));
  expect(order.toSorted()).toEqual(Float64Array.from({ length: 1000 }, (_, i) => i));
  expect(order.filter((v, i) => v === i).length).toBeLessThan(10);
  expect(await read(() => permutation(gpu, 1000, { seed: 4 }))).toEqual(order);
  expect(await read(() => permutation(gpu, 1, { seed: 4 }))).toEqual(new Float64Array(1));
  expect(await read(() => permutation(gpu, 0, { seed: 4 }))).toEqual(new Float64Array(0));
  // Each of the six orders of three equally often.
  const counts = new Map<string, number>();
  const all = Array.from({ length: 600 }, (_, seed) => permutation(gpu, 3, { seed }));
  for (const order of await Promise.all(all.map((t) => t.data())))
    counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
  for (const t of all) t.dispose();
  expect(counts.size).toBe(6);
  expect([...counts.values()].reduce((a, c) => a + (c - 100) ** 2 / 100, 0)).toBeLessThan(20.5); // p = 0.001
});

test('a state picks another stream, without a new bind group or pipeline', async () => {
  const state = gpu.tensor([6], [1], { dtype: 'u32' });
  const at = (step: number) => Float64Array.from(philoxWords(3, 0, 9, step), toUnit);
  expect(await read(() => uniform(gpu, [9], { seed: 3, state }))).toEqual(at(6));
  advance(state);
  expect(await read(() => uniform(gpu, [9], { seed: 3, state }))).toEqual(at(7));
  gpu.resetCounters();
  advance(state);
  expect(await read(() => uniform(gpu, [9], { seed: 3, state }))).toEqual(at(8));
  expect(gpu.counters()).toMatchObject({ bindGroups: 0, pipelines: 0, buffers: 0 });
  expectUlps(await read(() => randn(gpu, [9], { seed: 3, state })), philoxNormals(3, 0, 9, 8));
  const ints = await read(() => randint(gpu, [9], { seed: 3, state, high: 2 ** 32, dtype: 'u32' }));
  expect(ints).toEqual(Float64Array.from(philoxWords(3, 0, 9, 8)));
  state.dispose();
});

test('nothing of what memory held before is left', async () => {
  for (const poison of ['nan', 'large'] as const) {
    (gpu.debug as Guards).poison = poison;
    for (const offset of [0, 1, 2, 3]) {
      expect(await read(() => uniform(gpu, [1023], { seed: 1, offset }))).toEqual(uniforms(1, offset, 1023, 0, 1));
    }
  }
});

test('errors', () => {
  expect(() => uniform(gpu, [2], { seed: -1 })).toThrow(
    new ArgumentError('uniform', 'seed must be a whole number in [0, 2^53), got -1'),
  );
  expect(() => randn(gpu, [2], { seed: 0.5 })).toThrow(
    new ArgumentError('randn', 'seed must be a whole number in [0, 2^53), got 0.5'),
  );
  expect(() => randn(gpu, [2], { seed: 1, offset: 2 ** 53 - 1 })).toThrow(
    /^randn: offset must be a whole number in \[0, 2\^53 - 2\], got 9007199254740991$/,
  );
  expect(() => uniform(gpu, [2], { seed: 1, low: 2, high: 2 })).toThrow(
    new ArgumentError('uniform', 'low must be below high, both finite, got [2, 2)'),
  );
  expect(() => uniform(gpu, [2], { seed: 1, low: -3e38, high: 3e38 })).toThrow(ArgumentError);
  expect(() => uniform(gpu, [2], { seed: 1, low: Number.NaN })).toThrow(ArgumentError);
  expect(() => randn(gpu, [2], { seed: 1, std: -1 })).toThrow(
    new ArgumentError('randn', 'std must be finite and >= 0, got -1'),
  );
  expect(() => randn(gpu, [2], { seed: 1, mean: Number.POSITIVE_INFINITY })).toThrow(
    new ArgumentError('randn', 'mean must be finite, got Infinity'),
  );
  expect(() => randint(gpu, [2], { seed: 1, high: 0 })).toThrow(
    /^randint: low and high must be whole numbers with -2147483648 <= low < high <= 2147483648, got \[0, 0\)$/,
  );
  expect(() => randint(gpu, [2], { seed: 1, low: -1, high: 2, dtype: 'u32' })).toThrow(ArgumentError);
  expect(() => permutation(gpu, -1, { seed: 1 })).toThrow(
    new ArgumentError('permutation', 'n must be a whole number >= 0, got -1'),
  );
  using wrong = gpu.zeros([1]);
  using two = gpu.zeros([2], 'u32');
  expect(() => uniform(gpu, [2], { seed: 1, state: wrong })).toThrow(
    new DTypeError('uniform', 'state must be u32, got f32[1]'),
  );
  expect(() => advance(two)).toThrow(new ShapeError('advance', 'state must have shape [1], got u32[2]'));
});

/** Within four units in the last place of f32, at the size of each value. */
function expectUlps(got: Float64Array, want: Float64Array): void {
  let worst = 0;
  want.forEach((w, i) => {
    const ulp = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(w), 2 ** -126))) - 23);
    worst = Math.max(worst, Math.abs((got[i] as number) - w) / ulp);
  });
  expect(got.length).toBe(want.length);
  expect(worst).toBeLessThan(4);
}

function moments(data: Float64Array): { mean: number; variance: number } {
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return { mean, variance: data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length };
}

function correlation(a: Float64Array, b: Float64Array): number {
  const [x, y] = [moments(a), moments(b)];
  return (
    a.reduce((s, v, i) => s + (v - x.mean) * ((b[i] as number) - y.mean), 0) /
    a.length /
    Math.sqrt(x.variance * y.variance)
  );
}
