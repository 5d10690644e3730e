import { describe, expect, test } from 'vitest';
import { type Shape, sizeOf } from '../../src/host.ts';
import { cumsum, type ScanPlan } from '../../src/ops/scan.ts';
import { ArgumentError, DTypeError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { alongAxis } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

const summed = (axis: number, exclusive: boolean, reverse: boolean) => (x: Nd) =>
  alongAxis(x, axis, (row) => {
    const order = row.map((_, j) => (reverse ? row.length - 1 - j : j));
    const sums = [...row];
    let sum = 0;
    for (const j of order) {
      sums[j] = exclusive ? sum : sum + (row[j] as number);
      sum += row[j] as number;
    }
    return sums;
  });

type Plan = { plan?: ScanPlan };
const ways = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

async function check(shape: Shape, axis: number, { plan }: Plan, gradient = sizeOf(shape) < 300) {
  for (const [exclusive, reverse] of ways) {
    const op = (x: Tensor) => cumsum(x, { axis, exclusive, reverse, ...(plan ? { plan } : {}) });
    await checkOp(gpu, op, summed(axis < 0 ? axis + shape.length : axis, exclusive, reverse), [shape], { gradient });
  }
}

const plans: [string, Plan][] = [
  ['planned', {}],
  ['one level', { plan: { by: 'columns', chunk: 1e9 } }],
  ['columns in chunks of 3', { plan: { by: 'columns', chunk: 3 } }],
  ['columns in chunks of 64', { plan: { by: 'columns', chunk: 64 } }],
];
describe.each(plans)('cumsum, %s', (_, plan) => {
  const cases: [Shape, number][] = [
    [[1], 0],
    [[2], 0],
    [[3], 0],
    [[4], 0],
    [[7], 0],
    [[65], 0],
    [[3, 5], 1],
    [[3, 5], 0],
    [[2, 7, 3], 1],
    [[2, 7, 3], -1],
    [[2, 3, 2, 4, 2], 3],
    [[0], 0],
    [[3, 0], 1],
    [[0, 3], 1],
    [[70, 2], 1],
    [[2, 130], 1],
    [[130, 2], 0],
  ];
  test.each(cases)('%j along %i', (shape, axis) => check(shape, axis, plan));
});
describe.each<[string, Plan]>([
  ['one workgroup a row', { plan: { by: 'rows', chunk: 1e9 } }],
  ['chunks of 100', { plan: { by: 'rows', chunk: 100 } }],
  ['chunks of 1024', { plan: { by: 'rows', chunk: 1024 } }],
])('cumsum by rows, %s', (_, plan) => {
  // Below, at and above a lane's 4, the 16 lanes of a group, a tile of 1,024 and two of them.
  test.each([1, 3, 4, 5, 63, 64, 65, 99, 100, 101, 1023, 1024, 1025, 2049, 3000])('rows of %i', (n) =>
    check([2, n], 1, plan),
  );
});
test('a long row is cut by the planner', () => check([1, 20_000], 1, {}, false));

test('an axis longer than an invocation may walk on a CPU', async () => {
  const n = 2 ** 20;
  const x = gpu.tensor(new Int32Array(n).fill(1));
  const y = cumsum(x);
  expect((await y.data()).findIndex((v, i) => v !== i + 1)).toBe(-1);
  x.dispose();
  y.dispose();
});

test('integers wrap around', async () => {
  for (const dtype of ['i32', 'u32'] as const) {
    for (const plan of [
      { by: 'columns', chunk: 3 },
      { by: 'rows', chunk: 8 },
    ] as const) {
      const wrap = (x: Nd): Nd => ({
        shape: x.shape,
        data: summed(1, false, false)(x).data.map((v) => (dtype === 'i32' ? v | 0 : v >>> 0)),
      });
      await checkOp(gpu, (x) => cumsum(x, { axis: 1, plan }), wrap, [
        { shape: [2, 10], dtype, range: [0, 2 ** 31 - 1] },
      ]);
    }
  }
});
test('f16 sums in f32', async () => {
  if (!gpu.features.has('shader-f16')) return;
  for (const plan of [undefined, { by: 'columns', chunk: 3 }, { by: 'rows', chunk: 8 }] as const) {
    await checkOp(gpu, (x) => cumsum(x, { axis: 1, ...(plan ? { plan } : {}) }), summed(1, false, false), [
      { shape: [2, 30], dtype: 'f16' },
    ]);
  }
});
test('infinities and NaN stay behind the place where they begin', async () => {
  const x = gpu.tensor([1, Number.POSITIVE_INFINITY, 2, Number.NaN, 3]);
  expect(await cumsum(x, { exclusive: true }).array()).toEqual([
    0,
    1,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ]);
});
test('second order', async () => {
  await checkSecondOrder(gpu, (x) => cumsum(x, { axis: 1, exclusive: true }), [2, 5]);
  await checkSecondOrder(gpu, (x) => cumsum(x, { axis: 0, reverse: true }), [5, 2]);
});
test('errors', () => {
  expect(() => cumsum(gpu.zeros([2, 3]), { axis: 2 })).toThrow(
    new ArgumentError('cumsum', 'axis must be in [-2, 2), got 2 (x: f32[2, 3])'),
  );
  expect(() => cumsum(gpu.zeros([]))).toThrow(ArgumentError);
  expect(() => cumsum(gpu.zeros([2], 'bool'))).toThrow(
    new DTypeError('cumsum', 'x must be f32 or f16 or i32 or u32, got bool[2]'),
  );
});

test('nothing was written out of range', () => guards.verify());
