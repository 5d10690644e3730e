import { describe, expect, test } from 'vitest';
import { type DType, type Shape, sizeOf } from '../../src/host.ts';
import type { SortPlan } from '../../src/ops/order.ts';
import { sort, topk } from '../../src/ops/sort.ts';
import { ArgumentError, DTypeError } from '../../src/runtime/errors.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

/** The places along `axis` in order: by value, NaN last, then by place. */
function ordered(x: Nd, axis: number, descending: boolean, k = x.shape[axis] as number): [Nd, Nd] {
  const n = x.shape[axis] as number;
  const rows = new Map<string, number[]>();
  const rowOf = (c: readonly number[]) => {
    const key = c.toSpliced(axis, 1).join();
    let row = rows.get(key);
    if (!row) {
      const value = (j: number) => at(x, c.with(axis, j));
      const compare = (a: number, b: number) => {
        const [va, vb] = [value(a), value(b)];
        if (Number.isNaN(va) || Number.isNaN(vb)) return Number(Number.isNaN(va)) - Number(Number.isNaN(vb));
        return (descending ? vb - va : va - vb) || 0;
      };
      row = Array.from({ length: n }, (_, j) => j).sort(compare);
      rows.set(key, row);
    }
    return row;
  };
  const shape = x.shape.with(axis, k);
  return [
    build(shape, (c) => at(x, c.with(axis, rowOf(c)[c[axis] as number] as number))),
    build(shape, (c) => rowOf(c)[c[axis] as number] as number),
  ];
}
const tie = (values: readonly number[]) => {
  const random = testRandom(5);
  return (shape: Shape) =>
    Array.from({ length: sizeOf(shape) }, () => values[Math.floor(random() * values.length)] as number);
};
const both = (r: { values: unknown; indices: unknown }) => [r.values, r.indices] as never;

const plans: [string, SortPlan | undefined][] = [
  ['planned', undefined],
  ['by count', { by: 'count' }],
  ['tiles of 4', { by: 'tiles', tile: 4 }],
  ['tiles of 256', { by: 'tiles', tile: 256 }],
];

describe.each(plans)('sort, %s', (_, plan) => {
  const cases: [Shape, number][] = [
    [[1], 0],
    [[2], 0],
    [[3], 0],
    [[4], 0],
    [[5], 0],
    [[7], 0],
    [[8], 0],
    [[9], 0],
    [[33], 0],
    [[3, 5], 1],
    [[3, 5], 0],
    [[2, 3, 4], 1],
    [[2, 9, 3], -2],
    [[0], 0],
    [[3, 0], 1],
    [[0, 3], 1],
    [[1, 1, 1], 1],
  ];
  test.each(cases)('%j along %i', async (shape, axis) => {
    const a = axis < 0 ? axis + shape.length : axis;
    await checkOp(
      gpu,
      (x) => both(sort(x, { axis, ...(plan ? { plan } : {}) })),
      (x) => ordered(x, a, false),
      [shape],
    );
    await checkOp(
      gpu,
      (x) => both(sort(x, { axis, descending: true, ...(plan ? { plan } : {}) })),
      (x) => ordered(x, a, true),
      [shape],
    );
  });
  test.each([63, 64, 65, 127, 128, 129, 255, 256, 257, 513, 700])('rows of %i, many ties', async (n) => {
    for (const descending of [false, true]) {
      const shape = [2, n];
      const data = tie([0, -0, 1, 2, 3, -1, 0.5])(shape);
      const op = (x: Parameters<typeof sort>[0]) => both(sort(x, { descending, ...(plan ? { plan } : {}) }));
      await checkOp(gpu, op, (x) => ordered(x, 1, descending), [{ shape, data, grad: false }]);
      await checkOp(gpu, op, (x) => ordered(x, 1, descending), [{ shape, grad: false }]);
    }
  });
  test('NaN is last, infinities in their places', async () => {
    const shape = [3, 11];
    const data = tie([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      3.4e38,
      -3.4e38,
      0,
      1e-45,
      -1e-45,
      7,
    ])(shape);
    for (const descending of [false, true]) {
      await checkOp(
        gpu,
        (x) => both(sort(x, { descending, ...(plan ? { plan } : {}) })),
        (x) => ordered(x, 1, descending),
        [{ shape, data, grad: false }],
      );
    }
  });
  test.each<[DType, number[]]>([
    ['i32', [-2147483648, 2147483647, 0, -1, 1, 5]],
    ['u32', [0, 4294967295, 2147483648, 2147483647, 1]],
  ])('%s over its whole range', async (dtype, values) => {
    const shape = [3, 13];
    for (const descending of [false, true]) {
      await checkOp(
        gpu,
        (x) => both(sort(x, { descending, ...(plan ? { plan } : {}) })),
        (x) => ordered(x, 1, descending),
        [{ shape, dtype, data: tie(values)(shape) }],
      );
    }
  });
  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) return;
    for (const shape of [
      [3, 13],
      [1, 70],
    ]) {
      await checkOp(
        gpu,
        (x) => both(sort(x, plan ? { plan } : {})),
        (x) => ordered(x, 1, false),
        [{ shape, dtype: 'f16', data: tie([0.5, -0, 0, 2, -3, 65504, 0.0001])(shape), grad: false }],
        { forward: 1e-7 },
      );
    }
  });
  test.each<[Shape, number, number]>([
    [[9], 0, 0],
    [[9], 0, 1],
    [[9], 0, 4],
    [[9], 0, 9],
    [[3, 40], 1, 1],
    [[3, 40], 1, 3],
    [[40, 3], 0, 2],
    [[2, 700], 1, 1],
    [[2, 700], 1, 16],
    [[2, 700], 1, 64],
    [[2, 700], 1, 65],
    [[2, 700], 1, 699],
    [[2, 0], 1, 0],
  ])('topk of %j along %i, k = %i', async (shape, axis, k) => {
    for (const largest of [true, false]) {
      const op = (x: Parameters<typeof sort>[0]) => both(topk(x, k, { axis, largest, ...(plan ? { plan } : {}) }));
      await checkOp(gpu, op, (x) => ordered(x, axis, largest, k), [shape], { gradient: sizeOf(shape) < 1000 });
      const data = tie([1, 2, 3, Number.NaN])(shape);
      await checkOp(gpu, op, (x) => ordered(x, axis, largest, k), [{ shape, data, grad: false }]);
    }
  });
});

test.each([1023, 1024, 1025, 3000])('tiles of 1024, rows of %i', async (n) => {
  await checkOp(
    gpu,
    (x) => both(sort(x, { plan: { by: 'tiles', tile: 1024 } })),
    (x) => ordered(x, 1, false),
    [{ shape: [2, n], data: tie([0, -0, 1, 2, 3])([2, n]), grad: false }],
  );
  await checkOp(
    gpu,
    (x) => both(topk(x, 20, { plan: { by: 'tiles', tile: 1024 } })),
    (x) => ordered(x, 1, true, 20),
    [{ shape: [2, n], grad: false }],
  );
});

test('second order', async () => {
  await checkSecondOrder(gpu, (x) => sort(x, { axis: 0 }).values, [5, 2], true);
  await checkSecondOrder(gpu, (x) => topk(x, 2).values, [3, 5], true);
});

test('a long row', async () => {
  const random = testRandom(11);
  const n = 100_003;
  const x = gpu.tensor(Float32Array.from({ length: n }, () => Math.floor(random() * 1000)));
  const { values, indices } = sort(x);
  const [v, i, data] = await Promise.all([values.data(), indices.data(), x.data()]);
  for (let k = 1; k < n; k++) {
    const [a, b] = [v[k - 1] as number, v[k] as number];
    if (a > b || (a === b && (i[k - 1] as number) >= (i[k] as number)) || data[i[k] as number] !== b)
      throw new Error(`place ${k} is wrong`);
  }
  expect(new Set(i).size).toBe(n);
});

test('errors', () => {
  const x = gpu.zeros([2, 3]);
  expect(() => sort(x, { axis: 2 })).toThrow(
    new ArgumentError('sort', 'axis must be in [-2, 2), got 2 (x: f32[2, 3])'),
  );
  expect(() => sort(gpu.zeros([2], 'bool'))).toThrow(
    new DTypeError('sort', 'x must be f32 or f16 or i32 or u32, got bool[2]'),
  );
  expect(() => topk(x, 4)).toThrow(
    new ArgumentError('topk', 'k must be a whole number in [0, 3], the size of axis 1, got 4 (x: f32[2, 3])'),
  );
  expect(() => topk(x, 1.5)).toThrow(ArgumentError);
});

test('nothing was written out of range', () => guards.verify());
