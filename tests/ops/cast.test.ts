import { expect, test } from 'vitest';
import { grad } from '../../src/autograd/tape.ts';
import { type DType, fromHalf, toHalf } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { cast } from '../../src/ops/cast.ts';
import { sum } from '../../src/ops/reduce.ts';
import { DTypeError, LimitError } from '../../src/runtime/errors.ts';
import { checkOp } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';
import { nd } from '../helpers/nd.ts';

const saturate = (v: number, lo: number, hi: number) =>
  (Number.isNaN(v) ? 0 : Math.min(hi, Math.max(lo, Math.trunc(v)))) + 0;
const TO: Readonly<Record<DType, (v: number) => number>> = {
  f32: Math.fround,
  f16: (v) => fromHalf(toHalf(v)),
  i32: (v) => (v > 2147483647 && Number.isInteger(v) && v < 4294967296 ? v | 0 : saturate(v, -2147483648, 2147483647)),
  u32: (v) => v >>> 0,
  bool: (v) => Number(v !== 0),
};
const SAMPLES: Readonly<Record<DType, readonly number[]>> = {
  f32: [0, -0, 1, -1, 0.5, -0.9, 2.7, -2.7, 100, 16777216],
  f16: [0, 1, -1, 0.5, -2.5, 100, 2048],
  i32: [0, 1, -1, 7, -2147483648, 2147483647, 16777217],
  u32: [0, 1, 7, 16777217, 4294967295],
  bool: [0, 1, 1, 0, 1],
};
const DTYPES = ['f32', 'f16', 'i32', 'u32', 'bool'] as const;
const pairs = DTYPES.flatMap((from) => DTYPES.filter((to) => to !== from).map((to) => [from, to] as const));
const hasHalf = gpu.features.has('shader-f16');

test.each(pairs)('%s to %s', async (from, to) => {
  if ((from === 'f16' || to === 'f16') && !hasHalf) {
    expect(() => cast(gpu.tensor([1], [1], { dtype: from }), to)).toThrow(LimitError);
    return;
  }
  const data = to === 'f16' ? [0, 1, 3, 2048, 60000].map((v) => (from === 'bool' ? Math.min(v, 1) : v)) : SAMPLES[from];
  const f = (v: number) =>
    to === 'u32' && (from === 'f32' || from === 'f16') ? saturate(v, 0, 4294967295) : TO[to](v);
  for (const repeat of [1, 40, 300]) {
    const all = Array.from({ length: repeat }, () => data).flat();
    const got = await cast(gpu.tensor(all, [all.length], { dtype: from }), to).data();
    expect(Array.from(got, (v) => v + 0)).toEqual(all.map((v) => f(v) + 0));
  }
  await checkOp(
    gpu,
    (x) => cast(x, to),
    (x) => nd(x.shape, x.data.map(f)),
    [{ shape: [3, 30], dtype: from, range: from === 'u32' ? [0, 9] : [-9, 9] }],
    { gradient: false, forward: 1e-6 },
  );
});

test('floats beyond the integers saturate, and NaN is 0', async () => {
  const x = gpu.tensor([
    NaN,
    Infinity,
    -Infinity,
    2147483648,
    -2147483648,
    -2147483904,
    2147483520,
    4294967296,
    4294967040,
    -1,
    3e38,
  ]);
  expect([...(await cast(x, 'i32').data())]).toEqual([
    0, 2147483647, -2147483648, 2147483647, -2147483648, -2147483648, 2147483520, 2147483647, 2147483647, -1,
    2147483647,
  ]);
  expect([...(await cast(x, 'u32').data())]).toEqual([
    0, 4294967295, 0, 2147483648, 0, 0, 2147483520, 4294967295, 4294967040, 0, 4294967295,
  ]);
  expect([...(await cast(x, 'bool').data())]).toEqual(new Array(11).fill(1));
});

test('empty, scalars, and the same dtype', async () => {
  expect((await cast(gpu.zeros([0, 3]), 'i32').data()).length).toBe(0);
  expect(await cast(gpu.tensor(2.5, []), 'i32').item()).toBe(2);
  const x = gpu.tensor([1]);
  expect(cast(x, 'f32')).toBe(x);
});

test('gradients pass between floats and stop at the rest', async () => {
  const x = gpu.tensor([1.5, -2]);
  expect([...(await grad(() => sum(mul(cast(cast(x, 'i32'), 'f32'), x)), x).data())]).toEqual([1, -2]);
  if (!hasHalf) return;
  await checkOp(
    gpu,
    (x) => cast(x, 'f16'),
    (x) => x,
    [{ shape: [5] }],
    { forward: 1e-3, backward: 1e-3 },
  );
  await checkOp(
    gpu,
    (x) => cast(x, 'f32'),
    (x) => x,
    [{ shape: [5], dtype: 'f16' }],
  );
});

test('errors', () => {
  expect(() => cast(gpu.tensor([1]), 'f64' as DType)).toThrow(
    new DTypeError('cast', 'dtype must be one of f32, f16, i32, u32, bool, got f64'),
  );
});
