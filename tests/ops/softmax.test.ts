import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import type { RowPlan } from '../../src/ops/row_plan.ts';
import { logSoftmax, type SoftmaxOptions, softmax } from '../../src/ops/softmax.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { type CheckOptions, checkOp } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { alongAxis } from '../helpers/nd.ts';
import { plans } from '../helpers/row_plans.ts';

const softmaxRow = (row: number[]): number[] => {
  const m = Math.max(...row);
  const e = row.map((v) => Math.exp(v - m));
  const s = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / s);
};
const logSoftmaxRow = (row: number[]): number[] => {
  const m = Math.max(...row);
  const s = Math.log(row.map((v) => Math.exp(v - m)).reduce((a, b) => a + b, 0));
  return row.map((v) => v - m - s);
};

type Op = (x: Tensor, options?: SoftmaxOptions) => Tensor;
const ops: [string, Op, (row: number[]) => number[]][] = [
  ['softmax', softmax, softmaxRow],
  ['logSoftmax', logSoftmax, logSoftmaxRow],
];

async function checkAll(
  op: Op,
  f: (row: number[]) => number[],
  plan: RowPlan,
  cases: readonly (readonly [Shape, number])[],
  options: CheckOptions = {},
) {
  const axis = (i: number) => cases[i]?.[1] as number;
  const inputs = cases.map(([shape]) => ({ shape, range: [-4, 4] as const }));
  await checkOp(
    gpu,
    (...xs) => xs.map((x, i) => op(x, { axis: axis(i), plan })),
    (...xs) => xs.map((x, i) => alongAxis(x, axis(i), f)),
    inputs,
    options,
  );
}

describe.each(ops)('%s', (_, op, f) => {
  test.each<[Shape, number]>([
    [[1], 0],
    [[7], -1],
    [[3, 5], 1],
    [[3, 5], 0],
    [[4, 8], -1],
    [[2, 3, 4], 1],
    [[2, 3, 4], 0],
    [[3, 1, 5], 1],
    [[2, 3, 2, 3, 2], 2],
  ])('%j along %i', async (shape, axis) => {
    await checkOp(
      gpu,
      (x) => op(x, { axis }),
      (x) => alongAxis(x, axis, f),
      [{ shape, range: [-4, 4] }],
    );
  });

  test('the last axis is the default', async () => {
    await checkOp(
      gpu,
      (x) => op(x),
      (x) => alongAxis(x, -1, f),
      [[3, 4]],
    );
  });

  describe.each(Object.entries(plans))('plan: %s', (_, plan) => {
    test('with gradients', () =>
      checkAll(op, f, plan, [
        [[3, 21], 1],
        [[2, 24], 1],
        [[17, 5], 0],
        [[9, 8], 0],
        [[2, 13, 3], 1],
        [[1, 1], 0],
      ]));

    test('sizes around tiles', async () => {
      const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1023, 1024, 1028, 1031];
      const rows = [65, 257].slice(0, plan.lanes > 8 ? 1 : 2).map<[Shape, number]>((n) => [[n, 4], 1]);
      await checkAll(
        op,
        f,
        plan,
        [
          ...lengths.flatMap<[Shape, number]>((n) => [
            [[2, n], 1],
            [[n, 3], 0],
          ]),
          ...rows,
        ],
        { gradient: false },
      );
    });

    test('the gradient of long rows', async () => {
      // Central differences of so many elements would take minutes: dx = y (dy - <y, dy>), or dy - exp(y) sum(dy), itself in f64.
      const random = testRandom(5);
      for (const n of [257, 1024, 1031]) {
        const [x, dy] = [0, 1].map(() => Array.from({ length: 2 * n }, () => Math.fround(random() * 2 - 1))) as [
          number[],
          number[],
        ];
        const t = gpu.tensor(x, [2, n]);
        const got = await (vjp(() => op(t, { plan }), [t], [gpu.tensor(dy, [2, n])]).grads[0] as Tensor).data();
        for (const r of [0, 1]) {
          const [row, g] = [x.slice(r * n, (r + 1) * n), dy.slice(r * n, (r + 1) * n)];
          const p = softmaxRow(row);
          const total =
            op === softmax ? p.reduce((a, v, i) => a + v * (g[i] as number), 0) : g.reduce((a, b) => a + b, 0);
          p.forEach((v, i) => {
            const want = op === softmax ? v * ((g[i] as number) - total) : (g[i] as number) - v * total;
            expect(Math.abs((got[r * n + i] as number) - want)).toBeLessThan(op === softmax ? 1e-8 : 1e-5);
          });
        }
      }
    });

    test('same bits every time', async () => {
      const x = gpu.tensor(
        Float32Array.from({ length: 600 }, (_, i) => 3 * Math.sin(i)),
        [3, 200],
      );
      const runs = await Promise.all([0, 1, 2].map(() => op(x, { plan }).data()));
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[2]).toEqual(runs[0]);
    });

    test('masked rows, NaN, infinity, large numbers', async () => {
      const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
      const x = gpu.tensor([
        [-inf, -inf, -inf, -inf],
        [-3.4e38, -inf, -3.4e38, -3.4e38],
        [-inf, 2, -3.4e38, 2],
        [1e4, 1e4 - 1, -1e4, -inf],
        [3e38, -3e38, 3e38, 0],
        [-3e38, -3e38, -3e38, -3e38],
        [0, nan, 0, 1],
        [inf, 0, 0, 0],
        [-88, -88, -87, -88],
        [nan, -inf, -inf, -inf],
      ]);
      const rows = (await x.array()) as number[][];
      const { aux, grads } = valueAndGrad(() => {
        const y = op(x, { plan });
        return { loss: sum(mul(y, gpu.tensor(rows.map(() => [1, 2, 3, 4])))), aux: y };
      }, x);
      const [y, dx] = [(await aux.array()) as number[][], (await grads.array()) as number[][]];
      const masked = Array(4).fill(op === softmax ? 0 : -inf);
      for (const r of [0, 1]) {
        expect(y[r]).toEqual(masked);
        expect(dx[r]).toEqual([0, 0, 0, 0]);
      }
      for (const r of [2, 3, 4, 5, 8]) {
        const want = f(rows[r] as number[]).map((v) => (v < -1e38 ? v : Math.fround(v)));
        y[r]?.forEach((v, i) => {
          if ((want[i] as number) < -1e38) expect(v).toBeLessThan(-1e38);
          else expect(Math.abs(v - (want[i] as number))).toBeLessThan(2e-6);
        });
      }
      for (const r of [6, 7, 9]) {
        expect(y[r]).toEqual([nan, nan, nan, nan]);
        expect(dx[r]?.some(Number.isFinite)).toBe(false);
      }
      for (const r of [2, 3, 4, 5, 8]) expect(dx[r]?.every(Number.isFinite)).toBe(true);
    });

    test('f16', async () => {
      if (!gpu.features.has('shader-f16')) {
        expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
        return;
      }
      for (const [shape, axis] of [
        [[3, 24], 1],
        [[5, 21], 1],
        [[9, 3], 0],
      ] as const) {
        await checkOp(
          gpu,
          (x) => op(x, { axis, plan }),
          (x) => alongAxis(x, axis, f),
          [{ shape, dtype: 'f16', range: [-4, 4] }],
        );
      }
    });
  });

  test('a row of 100,000', async () => {
    const n = 100_000;
    const data = Float32Array.from({ length: n }, (_, i) => 4 * Math.sin(i * i));
    const want = f(Array.from(data));
    // One invocation for all of it would meet llvmpipe's limit of 65,535 turns of a loop.
    for (const plan of [undefined, plans['a workgroup'], plans['eight lanes, cut']]) {
      const y = await op(gpu.tensor(data), plan ? { plan } : {}).data();
      const error = Math.sqrt(
        want.reduce((a, w, i) => a + (w - (y[i] as number)) ** 2, 0) / want.reduce((a, w) => a + w * w, 0),
      );
      expect(error).toBeLessThan(3e-6);
      if (op === softmax) expect(Math.abs(Array.from(y).reduce((a, b) => a + b, 0) - 1)).toBeLessThan(3e-6);
    }
  });

  test('its gradient has a gradient', async () => {
    await checkHessian(
      gpu,
      (x) => op(x),
      (x) => alongAxis(x, -1, f),
      [{ shape: [3, 4] }],
    );
    await checkHessian(
      gpu,
      (x) => op(x, { axis: 1 }),
      (x) => alongAxis(x, 1, f),
      [{ shape: [2, 3, 2] }],
    );
  });

  test('a gradient of a gradient of a masked row is zero, not NaN', async () => {
    const x = gpu.tensor([
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [1, 2],
    ]);
    const loss = () => {
      const y = op(x, { axis: 1 });
      return op === softmax
        ? sum(mul(y, y))
        : sum(
            mul(
              y,
              gpu.tensor([
                [0, 0],
                [1, 1],
              ]),
            ),
          );
    };
    const second = grad(
      () =>
        sum(
          mul(
            grad(loss, x),
            gpu.tensor([
              [1, 2],
              [3, 4],
            ]),
          ),
        ),
      x,
    );
    expect(((await second.array()) as number[][])[0]).toEqual([0, 0]);
  });

  test('no elements', async () => {
    expect((await op(gpu.empty([0, 3])).data()).length).toBe(0);
    expect(op(gpu.empty([3, 0])).shape).toEqual([3, 0]);
    const x = gpu.empty([0, 3]);
    expect(grad(() => sum(op(x)), x).shape).toEqual([0, 3]);
  });

  test('errors', () => {
    const { name } = op;
    expect(() => op(gpu.empty([4, 7]), { axis: 3 })).toThrow(`${name}: axis must be in [-2, 2), got 3 (x: f32[4, 7])`);
    expect(() => op(gpu.empty([]))).toThrow(`${name}: axis must be in [0, 0), got -1 (x: f32[])`);
    expect(() => op(gpu.empty([4], 'i32'))).toThrow(`${name}: x must be f32 or f16, got i32[4]`);
  });
});

test('one dispatch forward, one backward', async () => {
  const bare = await Gpu.create();
  const x = bare.zeros([4, 5, 8]);
  const w = bare.zeros([4, 5, 8]);
  for (const axis of [0, 1, 2]) {
    bare.resetCounters();
    vjp(() => softmax(x, { axis }), [x], [w]);
    expect(bare.counters().dispatches).toBe(2);
  }
  bare.destroy();
});

test('more rows than fit 65,535 workgroups', async () => {
  const rows = 65_535 * 64 + 100;
  const x = gpu.tensor(
    Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 ? 1 : 0)),
    [rows, 2],
  );
  const y = await softmax(x, { plan: { lanes: 1, splits: 1, vec4: false } }).data();
  const want = softmaxRow([0, 1]);
  for (const r of [0, 65_535 * 64, rows - 1])
    for (const i of [0, 1]) expect(y[2 * r + i]).toBeCloseTo(want[i] as number, 6);
});
