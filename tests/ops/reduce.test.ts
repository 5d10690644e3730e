import { describe, expect, test } from 'vitest';
import type { Shape } from '../../src/host.ts';
import { logsumexp, max, mean, min, prod, type ReduceOptions, sum } from '../../src/ops/reduce.ts';
import type { RowPlan } from '../../src/ops/row_plan.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { type CheckOptions, checkOp, type Input } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { reduceNd } from '../helpers/nd.ts';
import { plans, quickPlans } from '../helpers/row_plans.ts';

type Reduction = (x: Tensor, options?: ReduceOptions) => Tensor;

const add = (row: number[]) => row.reduce((a, b) => a + b, 0);
const multiply = (row: number[]) => row.reduce((a, b) => a * b, 1);
const lse = (row: number[]) => {
  const m = Math.max(...row);
  return m === Number.NEGATIVE_INFINITY ? m : m + Math.log(add(row.map((v) => Math.exp(v - m))));
};
const definitions: Record<string, readonly [Reduction, (row: number[]) => number, range?: readonly [number, number]]> =
  {
    sum: [sum, add],
    mean: [mean, (row) => add(row) / row.length],
    prod: [prod, multiply, [0.5, 1.5]],
    max: [max, (row) => Math.max(...row)],
    min: [min, (row) => Math.min(...row)],
    logsumexp: [logsumexp, lse],
  };

/** Distinct values, so that central differences do not step over a tie. */
function spread(shape: Shape, [lo, hi]: readonly [number, number] = [-1, 1], seed = 1): Input {
  const size = shape.reduce((a, b) => a * b, 1);
  const random = testRandom(seed);
  const order = Array.from({ length: size }, (_, i) => i + 0.3 * random());
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return { shape, data: order.map((i) => lo + ((hi - lo) * (i + 0.2)) / size) };
}

/** Many reductions in one run. */
async function checkAll(
  op: Reduction,
  f: (row: number[]) => number,
  plan: RowPlan,
  cases: readonly (readonly [Shape, number | number[]])[],
  range?: readonly [number, number],
  options: CheckOptions = {},
) {
  await checkOp(
    gpu,
    (...xs) => xs.map((x, i) => op(x, { axis: cases[i]?.[1] as number, plan })),
    (...xs) => xs.map((x, i) => reduceNd(x, f, cases[i]?.[1])),
    cases.map(([shape]) => spread(shape, range)),
    options,
  );
}

describe.each(Object.entries(definitions))('%s', (_, [op, f, range]) => {
  const shapes: [Shape, ReduceOptions][] = [
    [[], {}],
    [[1], {}],
    [[7], {}],
    [[5, 3], {}],
    [[5, 3], { axis: 0 }],
    [[5, 3], { axis: -1 }],
    [[4, 8], { axis: 0 }],
    [[4, 8], { axis: 1, keepDims: true }],
    [[2, 3, 4], { axis: 1 }],
    [[2, 3, 4], { axis: [0, 2] }],
    [[2, 3, 4], { axis: [1, 2], keepDims: true }],
    [[3, 1, 5], { axis: 1 }],
    [[3, 1, 5], { axis: [0, 1], keepDims: true }],
    [[2, 3, 2, 3], { axis: [0, 2] }],
    [[2, 3, 2, 3, 2], { axis: [1, 3] }],
    [[2, 2, 3, 2, 2, 2], { axis: [0, -4, -1], keepDims: true }],
  ];
  test.each(shapes)('%j over %j', async (shape, options) => {
    await checkOp(
      gpu,
      (x) => op(x, options),
      (x) => reduceNd(x, f, options.axis, options.keepDims),
      [spread(shape, range)],
    );
  });

  // mean is sum with a factor, and min is max upside down.
  const planned = op === mean || op === min ? [] : Object.entries(plans);
  test.each(planned)('plan: %s', async (_, plan) => {
    await checkAll(
      op,
      f,
      plan,
      [
        [[3, 21], 1],
        [[2, 24], 1],
        [[17, 5], 0],
        [[9, 8], 0],
        [[2, 13, 3], 1],
        [
          [3, 2, 5],
          [0, 2],
        ],
      ],
      range,
    );
  });

  test('its gradient has a gradient', async () => {
    for (const [shape, axis] of [
      [[2, 5], 1],
      [
        [3, 2, 2],
        [0, 2],
      ],
    ] as const) {
      await checkHessian(
        gpu,
        (x) => op(x, { axis }),
        (x) => reduceNd(x, f, axis),
        [spread(shape, range)],
      );
    }
  });

  test('f16', async () => {
    const input: Input = { ...spread([5, 70], range ? [0.95, 1.05] : [-1, 1]), dtype: 'f16' };
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    for (const axis of [[0], [1], [0, 1]]) {
      await checkOp(
        gpu,
        (x) => quickPlans.map((plan) => op(x, { axis, plan })),
        (x) => quickPlans.map(() => reduceNd(x, f, axis)),
        [input],
      );
    }
  });

  test('same bits every time', async () => {
    const x = gpu.tensor(
      Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i)),
      [50, 100],
    );
    const runs = await Promise.all([0, 1, 2].map(() => op(x).data()));
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test('no elements to keep', async () => {
    expect((await op(gpu.empty([0, 3]), { axis: 1 }).data()).length).toBe(0);
    expect(op(gpu.empty([2, 0, 3]), { axis: 0, keepDims: true }).shape).toEqual([1, 0, 3]);
  });
});

describe.each(Object.entries(plans))('sizes around tiles, plan: %s', (_, plan) => {
  const lengths = [1, 2, 3, 4, 5, 63, 64, 65, 255, 256, 257, 1023, 1024, 1028, 1031];
  const cases = lengths.flatMap<[Shape, number]>((n) => [
    [[2, n], 1],
    [[n, 4], 0],
  ]);
  const rows = [65, 257].slice(0, plan.lanes > 8 ? 1 : 2).map<[Shape, number]>((n) => [[n, 5], 1]);
  test.each(['sum', 'max', 'logsumexp'] as const)('%s', async (name) => {
    const [op, f] = definitions[name] as (typeof definitions)[string];
    await checkAll(op, f, plan, [...cases, ...rows], [-1, 1], { gradient: false });
  });
});
