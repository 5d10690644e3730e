import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import {
  argmax,
  argmin,
  logsumexp,
  max,
  mean,
  min,
  prod,
  type ReduceOptions,
  sum,
  sumTo,
} from '../../src/ops/reduce.ts';
import { exp } from '../../src/ops/unary.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Input } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { nd, reduceNd } from '../helpers/nd.ts';
import { plans, quickPlans } from '../helpers/row_plans.ts';

type Reduction = (x: Tensor, options?: ReduceOptions) => Tensor;
const add = (row: number[]) => row.reduce((a, b) => a + b, 0);

describe('integers', () => {
  const i32 = (row: number[]) => add(row) | 0;
  const cases: [string, Reduction, (row: number[]) => number][] = [
    ['sum', sum, i32],
    ['prod', prod, (row) => row.reduce((a, b) => Math.imul(a, b), 1)],
    ['max', max, (row) => Math.max(...row)],
    ['min', min, (row) => Math.min(...row)],
  ];
  test.each(cases)('i32 %s', async (_, op, f) => {
    for (const [shape, axis] of [
      [[37, 4], 0],
      [[4, 24], 1],
    ] as const) {
      const inputs: Input[] = [{ shape, dtype: 'i32', range: [-(2 ** 31), 2 ** 31] }];
      await checkOp(
        gpu,
        (x) => quickPlans.map((plan) => op(x, { axis, plan })),
        (x) => quickPlans.map(() => reduceNd(x, f, axis)),
        inputs,
        { gradient: false },
      );
    }
  });

  test.each(cases)('u32 %s', async (_, op, f) => {
    const inputs: Input[] = [{ shape: [12, 37], dtype: 'u32', range: [0, 2 ** 32] }];
    await checkOp(
      gpu,
      (x) => quickPlans.map((plan) => op(x, { plan })),
      (x) => quickPlans.map(() => reduceNd(x, (row) => f(row) >>> 0)),
      inputs,
      { gradient: false },
    );
  });

  test('sums wrap around', async () => {
    expect(await sum(gpu.tensor(Int32Array.of(2 ** 31 - 1, 1))).item()).toBe(-(2 ** 31));
    expect(await sum(gpu.tensor(Uint32Array.of(2 ** 32 - 1, 3))).item()).toBe(2);
    expect(await prod(gpu.tensor(Int32Array.of(65536, 65536, 3))).item()).toBe(0);
  });

  test('the ends of the range are told apart', async () => {
    expect(await max(gpu.tensor(Int32Array.of(-(2 ** 31), -(2 ** 31)))).item()).toBe(-(2 ** 31));
    expect(await min(gpu.tensor(Uint32Array.of(2 ** 32 - 1, 2 ** 32 - 1))).item()).toBe(2 ** 32 - 1);
    expect(await argmax(gpu.tensor(Int32Array.of(-(2 ** 31), -(2 ** 31)))).item()).toBe(0);
  });
});

describe('exactness', () => {
  const million = 1_000_000;
  const random = testRandom(3);
  const inputs: Record<string, Float32Array> = {
    'in [0, 1)': Float32Array.from({ length: million }, () => random()),
    'all 0.1': new Float32Array(million).fill(0.1),
    ascending: Float32Array.from({ length: million }, (_, i) => i),
  };
  test.each(Object.entries(inputs))('a million elements %s', async (_, data) => {
    const want = data.reduce((a, b) => a + b, 0);
    const x = gpu.tensor(data);
    for (const plan of [undefined, plans['a workgroup']]) {
      const got = await sum(x, plan ? { plan } : {}).item();
      expect(Math.abs(got / want - 1)).toBeLessThan(1e-6);
    }
    expect(Math.abs((await mean(x).item()) / (want / million) - 1)).toBeLessThan(1e-6);
  });

  test('more rows than fit 65,535 workgroups', async () => {
    const rows = 65_535 * 64 + 100;
    const x = gpu.tensor(
      Float32Array.from({ length: 2 * rows }, (_, i) => i % 1000),
      [rows, 2],
    );
    const y = await sum(x, { axis: 1, plan: { lanes: 1, splits: 1, vec4: false } }).data();
    expect(y.findIndex((v, r) => v !== ((2 * r) % 1000) + ((2 * r + 1) % 1000))).toBe(-1);
  });
});

describe('nothing to reduce', () => {
  test('sum 0, prod 1, mean NaN, logsumexp -inf', async () => {
    const x = gpu.empty([2, 0, 3]);
    expect(Array.from(await sum(x, { axis: 1 }).data())).toEqual(Array(6).fill(0));
    expect(Array.from(await prod(x, { axis: 1 }).data())).toEqual(Array(6).fill(1));
    expect(Array.from(await mean(x, { axis: 1 }).data())).toEqual(Array(6).fill(Number.NaN));
    expect(Array.from(await logsumexp(x, { axis: 1 }).data())).toEqual(Array(6).fill(Number.NEGATIVE_INFINITY));
    expect(await sum(gpu.empty([0], 'i32')).item()).toBe(0);
    expect(await prod(gpu.empty([0], 'u32')).item()).toBe(1);
    expect(grad(() => sum(mean(x, { axis: 1 })), x).shape).toEqual([2, 0, 3]);
  });

  test('max and argmax refuse', () => {
    expect(() => max(gpu.empty([2, 0]), { axis: 1 })).toThrow('max: axis must not be empty, got f32[2, 0]');
    expect(() => argmax(gpu.empty([2, 0]))).toThrow('argmax: axis must not be empty, got f32[2, 0]');
  });
});

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  test('NaN wins over everything in max and min, infinities in their place', async () => {
    for (const plan of Object.values(plans)) {
      const x = gpu.tensor([
        [1, nan, 3, inf],
        [-inf, 2, inf, 0],
        [-inf, -inf, -inf, -inf],
      ]);
      expect(Array.from(await max(x, { axis: 1, plan }).data())).toEqual([nan, inf, -inf]);
      expect(Array.from(await min(x, { axis: 1, plan }).data())).toEqual([nan, -inf, -inf]);
      expect(await max(x, { plan }).item()).toBe(nan);
    }
  });

  test('of equals the first one has the gradient, -0 and 0 being equal', async () => {
    for (const plan of Object.values(plans)) {
      const x = gpu.tensor([
        [2, 7, 7, 1],
        [0, -0, 0, -1],
        [-3, -3, -3, -3],
      ]);
      const dx = grad(() => sum(max(x, { axis: 1, plan })), x);
      expect(await dx.array()).toEqual([
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ]);
      const all = grad(() => max(x, { axis: [0, 1], plan }), x);
      expect(await all.array()).toEqual([
        [0, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ]);
      // Equals apart by every stride that a plan may take.
      const long = Array.from({ length: 600 }, (_, j) => (j >= 5 && j < 590 ? 1 : 0));
      for (const axis of [0, 1]) {
        const rows = gpu.tensor(axis === 1 ? [long, long] : long.map((v) => [v, v]));
        expect(Array.from(await argmax(rows, { axis, plan }).data())).toEqual([5, 5]);
        expect(Array.from(await argmin(rows, { axis, plan }).data())).toEqual([0, 0]);
      }
      const negative = gpu.tensor([[-0, 0]]);
      expect(Object.is(await max(negative, { plan }).item(), -0)).toBe(true);
    }
  });

  test('the gradient of a product with zeros', async () => {
    for (const plan of Object.values(plans)) {
      const x = gpu.tensor([
        [2, 0, 3, 4],
        [0, 5, 0, 1],
        [2, 3, -1, 2],
      ]);
      const dx = grad(() => sum(prod(x, { axis: 1, plan })), x);
      expect(await dx.array()).toEqual([
        [0, 24, 0, 0],
        [0, 0, 0, 0],
        [-6, -4, 12, -6],
      ]);
    }
  });

  test('logsumexp of masked rows, of infinities and of large numbers', async () => {
    for (const plan of Object.values(plans)) {
      const x = gpu.tensor([
        [-inf, -inf, -inf, -inf],
        [-3.4e38, -3.4e38, -inf, -3.4e38],
        [inf, 0, 1, 2],
        [3e38, -3e38, 3e38, 0],
        [1e4, 1e4, -1e4, 1e4],
        [0, nan, 0, 0],
        [-inf, 1, -inf, -inf],
      ]);
      const { value, grads } = valueAndGrad(
        () => ({ loss: sum(logsumexp(x, { axis: 1, plan })), aux: logsumexp(x, { axis: 1, plan }) }),
        x,
      );
      value.dispose();
      const y = await logsumexp(x, { axis: 1, plan }).data();
      expect(Array.from(y)).toEqual([-inf, -inf, inf, Math.fround(3e38), Math.fround(1e4 + Math.log(3)), nan, 1]);
      const dx = (await grads.array()) as number[][];
      expect(dx[0]).toEqual([0, 0, 0, 0]);
      expect(dx[1]).toEqual([0, 0, 0, 0]);
      expect(dx[6]).toEqual([0, 1, 0, 0]);
      expect(dx[5]?.some(Number.isFinite)).toBe(false);
    }
  });
});

describe('sumTo', () => {
  test.each<[Shape, Shape]>([
    [
      [3, 5],
      [3, 5],
    ],
    [[3, 5], [5]],
    [
      [3, 5],
      [1, 5],
    ],
    [
      [3, 5],
      [3, 1],
    ],
    [[3, 5], []],
    [
      [2, 3, 5],
      [3, 1],
    ],
    [
      [2, 3, 5],
      [2, 1, 5],
    ],
    [
      [2, 3, 4, 5],
      [3, 1, 5],
    ],
    [[1, 3], [1]],
    [[0, 3], [3]],
  ])('%j to %j', async (from, to) => {
    const axes = from.flatMap((n, i) =>
      i < from.length - to.length || (to[i - from.length + to.length] === 1 && n !== 1) ? [i] : [],
    );
    await checkOp(
      gpu,
      (x) => sumTo(x, to),
      (x) => nd(to, axes.length > 0 ? reduceNd(x, add, axes).data : x.data),
      [from],
    );
  });

  test('a shape that does not broadcast', () => {
    expect(() => sumTo(gpu.empty([3, 5]), [4])).toThrow(
      'sumTo: shape must broadcast to that of x, got [4] (x: f32[3, 5])',
    );
    expect(() => sumTo(gpu.empty([3]), [1, 3])).toThrow(
      'sumTo: shape must broadcast to that of x, got [1, 3] (x: f32[3])',
    );
  });
});

describe('errors', () => {
  test('axes and dtypes', () => {
    const x = gpu.empty([2, 3]);
    expect(() => sum(x, { axis: 2 })).toThrow('sum: axes must be in [-2, 2), got 2 (x: f32[2, 3])');
    expect(() => mean(x, { axis: [0, -2] })).toThrow('mean: axes must be different, got [0, -2] (x: f32[2, 3])');
    expect(() => mean(gpu.empty([2], 'i32'))).toThrow('mean: x must be f32 or f16, got i32[2]');
    expect(() => sum(gpu.empty([2], 'bool'))).toThrow('sum: x must be f32 or f16 or i32 or u32, got bool[2]');
    expect(() => logsumexp(gpu.empty([2], 'u32'))).toThrow('logsumexp: x must be f32 or f16, got u32[2]');
    expect(() => argmax(x, { axis: -3 })).toThrow('argmax: axis must be in [-2, 2), got -3 (x: f32[2, 3])');
    expect(() => max(gpu.empty([2], 'bool'))).toThrow('max: x must be f32 or f16 or i32 or u32, got bool[2]');
  });
});

test('a gradient of a mean is one dispatch, a sum over two groups of axes two', async () => {
  const bare = await Gpu.create();
  const x = bare.zeros([4, 5, 6]);
  const count = (f: () => unknown) => {
    bare.resetCounters();
    f();
    return bare.counters().dispatches;
  };
  expect(count(() => mean(x))).toBe(1);
  // The seed of the gradient is one more.
  expect(count(() => valueAndGrad(() => mean(x), x))).toBe(3);
  expect(count(() => sum(x, { axis: [0, 2] }))).toBe(2);
  expect(count(() => max(x, { axis: 1 }))).toBe(1);
  expect(count(() => exp(logsumexp(x, { axis: 1 })))).toBe(2);
  bare.destroy();
});
