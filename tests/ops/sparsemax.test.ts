import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../src/autograd/tape.ts';
import { sum } from '../../src/ops/reduce.ts';
import type { RowPlan } from '../../src/ops/row_plan.ts';
import { sparsemax } from '../../src/ops/sparsemax.ts';
import { square } from '../../src/ops/unary.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { checkOp } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { alongAxis } from '../helpers/nd.ts';
import { plans } from '../helpers/row_plans.ts';

/** Algorithm 1 of Martins and Astudillo (2016): by sorting. */
function sparsemaxRow(row: number[]): number[] {
  const sorted = row.toSorted((a, b) => b - a);
  let total = 0;
  let t = 0;
  sorted.forEach((v, k) => {
    total += v;
    if (1 + (k + 1) * v > total) t = (total - 1) / (k + 1);
  });
  return row.map((v) => Math.max(v - t, 0));
}

const whole: readonly (readonly [string, RowPlan])[] = Object.entries(plans).filter(([, { splits }]) => splits === 1);

describe.each(whole)('plan: %s', (_, plan) => {
  test('rows and columns, with gradients', async () => {
    for (const [shape, axis] of [
      [[1], 0],
      [[7], 0],
      [[3, 21], 1],
      [[17, 5], 0],
      [[9, 24], -1],
      [[2, 13, 3], 1],
      [[300, 2], 1],
    ] as const) {
      await checkOp(
        gpu,
        (x) => sparsemax(x, { axis, plan }),
        (x) => alongAxis(x, axis, sparsemaxRow),
        [{ shape, range: [-1, 1] }],
        { gradient: shape[0] < 100 },
      );
    }
  });

  test('sizes around tiles, sparse and dense', async () => {
    for (const n of [63, 64, 65, 255, 256, 257, 1023, 1031])
      for (const width of [0.001, 0.1, 3])
        await checkOp(
          gpu,
          (x) => sparsemax(x, { plan }),
          (x) => alongAxis(x, -1, sparsemaxRow),
          [{ shape: [2, n], range: [-width, width] }],
          { gradient: false },
        );
  });

  test('ties, masked elements, masked rows, NaN, infinity, large numbers', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const x = gpu.tensor([
      [2, 2, 2, 2],
      [-inf, 1, -3.4e38, 1],
      [-inf, -3.4e38, -inf, -inf],
      [1e6, 1e6, -1e6, 0],
      [0, nan, 0, 1],
      [inf, 0, 0, 0],
      [3e38, -3e38, 0, 3e38],
      [1, 0, -5, -9],
    ]);
    const { outputs, grads } = vjp(
      () => sparsemax(x, { plan }),
      [x],
      [
        gpu.tensor(
          Array.from({ length: 32 }, (_, i) => i % 4),
          [8, 4],
        ),
      ],
    );
    const [y, dx] = (await Promise.all([outputs[0]?.array(), grads[0]?.array()])) as [number[][], number[][]];
    expect(y).toEqual([
      [0.25, 0.25, 0.25, 0.25],
      [0, 0.5, 0, 0.5],
      [0, 0, 0, 0],
      [0.5, 0.5, 0, 0],
      [nan, nan, nan, nan],
      [nan, nan, nan, nan],
      [0.5, 0, 0, 0.5],
      [1, 0, 0, 0],
    ]);
    expect(dx).toEqual([
      [-1.5, -0.5, 0.5, 1.5],
      [0, -1, 0, 1],
      [0, 0, 0, 0],
      [-0.5, 0.5, 0, 0],
      [nan, nan, nan, nan],
      [nan, nan, nan, nan],
      [-1.5, 0, 0, 1.5],
      [0, 0, 0, 0],
    ]);
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    await checkOp(
      gpu,
      (x) => sparsemax(x, { plan }),
      (x) => alongAxis(x, -1, sparsemaxRow),
      [{ shape: [3, 24], dtype: 'f16' }],
    );
  });
});

test('random rows are points of the simplex that no move of two elements brings nearer', async () => {
  const rows = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, async (row) => {
      using x = gpu.tensor(row);
      using y = sparsemax(x);
      using again = sparsemax(y);
      const [p, q] = await Promise.all([y.data(), again.data()]);
      const want = sparsemaxRow(row);
      expect(Array.from(p).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      p.forEach((v, i) => {
        expect(v).toBeGreaterThanOrEqual(0);
        expect(v).toBeCloseTo(want[i] as number, 5);
        expect(q[i]).toBeCloseTo(v, 5); // a point of the simplex is its own projection
      });
    }),
    { numRuns: 60, seed: 1 },
  );
});

test.each([100_000, 1_000_000])('a row of %i in one dispatch', async (n) => {
  const random = testRandom(8);
  const data = Float32Array.from({ length: n }, () => random() * 2 - 1);
  const want = sparsemaxRow(Array.from(data));
  const got = await sparsemax(gpu.tensor(data)).data();
  expect(want.reduce((worst, w, i) => Math.max(worst, Math.abs(w - (got[i] as number))), 0)).toBeLessThan(1e-6);
  expect(Array.from(got).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
});

test('its gradient has a gradient', async () => {
  // Its square, since it is linear itself wherever its support stays.
  await checkHessian(
    gpu,
    (x) => square(sparsemax(x, { axis: 0 })),
    (x) => alongAxis(x, 0, (row) => sparsemaxRow(row).map((v) => v * v)),
    [{ shape: [5, 3] }],
  );
});

test('one dispatch forward, one backward', async () => {
  const bare = await Gpu.create();
  const x = bare.zeros([4, 5, 8]);
  for (const axis of [0, 1, 2]) {
    bare.resetCounters();
    vjp(() => sparsemax(x, { axis }), [x], [x]);
    expect(bare.counters().dispatches).toBe(2);
  }
  bare.destroy();
});

test('no elements, and errors', () => {
  const x = gpu.empty([0, 3]);
  expect(grad(() => sum(sparsemax(x)), x).shape).toEqual([0, 3]);
  expect(sparsemax(gpu.empty([3, 0])).shape).toEqual([3, 0]);
  expect(() => sparsemax(gpu.empty([4, 7]), { axis: 2 })).toThrow(
    'sparsemax: axis must be in [-2, 2), got 2 (x: f32[4, 7])',
  );
  expect(() => sparsemax(gpu.empty([4], 'i32'))).toThrow('sparsemax: x must be f32 or f16, got i32[4]');
});
