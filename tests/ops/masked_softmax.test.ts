import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { logSoftmax, maskedSoftmax, type SoftmaxOptions, softmax } from '../../src/ops/softmax.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { alongAxis, elementwise } from '../helpers/nd.ts';
import { plans } from '../helpers/row_plans.ts';

const HIDDEN = Number.NEGATIVE_INFINITY;

function softmaxRow(row: number[]): number[] {
  const m = Math.max(...row);
  if (m === HIDDEN) return row.map(() => 0);
  const e = row.map((v) => Math.exp(v - m));
  const s = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / s);
}

const definition =
  ({ axis = -1, temperature = 1 }: SoftmaxOptions) =>
  (x: Nd, mask: Nd): Nd =>
    alongAxis(
      elementwise((v, m) => (m ? v / temperature : HIDDEN), x, mask),
      axis,
      softmaxRow,
    );

const check = (shape: Shape, mask: Shape, options: SoftmaxOptions, gradient = true) =>
  checkOp(
    gpu,
    (x, m) => maskedSoftmax(x as Tensor, m as Tensor, options),
    definition(options) as (...n: Nd[]) => Nd,
    [
      { shape, range: [-4, 4] },
      { shape: mask, dtype: 'bool' },
    ],
    { gradient },
  );

describe.each<[Shape, Shape, number]>([
  [[7], [7], 0],
  [[7], [], 0],
  [[3, 8], [3, 8], -1],
  [[3, 8], [8], -1],
  [[5, 8], [5, 1], -1],
  [[5, 8], [1, 1], 1],
  [[5, 9], [9], 0],
  [[5, 9], [5, 1], 0],
  [[2, 3, 4], [3, 1], 1],
  [[2, 3, 4], [2, 1, 4], -1],
  [[2, 3, 4], [2, 1, 4], 0],
  [[2, 3, 5, 4], [2, 1, 1, 4], -1],
  [[2, 3, 5, 4], [3, 1, 4], 2],
  [[2, 1, 3, 2, 2, 3, 2], [1, 1, 3, 1, 2, 1, 2], 3],
])('%j under %j along %i', (shape, mask, axis) => {
  test('is its definition', () => check(shape, mask, { axis }));
  test('with a temperature', () => check(shape, mask, { axis, temperature: 0.7 }));
});

describe.each(Object.entries(plans))('plan: %s', (_, plan) => {
  test('rows, columns, broadcast masks, with gradients', async () => {
    await check([3, 21], [3, 21], { plan });
    await check([3, 24], [3, 24], { plan, temperature: 3 });
    await check([3, 24], [3, 1], { plan });
    await check([2, 3, 24], [2, 1, 24], { plan });
    await check([17, 5], [17, 1], { plan, axis: 0 });
    await check([2, 13, 3], [2, 1, 3], { plan, axis: 1 });
  });

  test('longer rows', async () => {
    for (const n of [255, 256, 257, 1028, 1031]) {
      await check([2, n], [n], { plan }, false);
      await check([n, 3], [n, 3], { plan, axis: 0 }, false);
    }
  });

  test('what is masked reaches nothing, nor does a gradient reach it', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const x = gpu.tensor([
      [nan, 1, 2, inf],
      [nan, nan, nan, nan],
      [0, inf, -inf, 1],
    ]);
    const mask = gpu.tensor([0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1], [3, 4], { dtype: 'bool' });
    const dy = gpu.tensor([
      [nan, 3, 5, inf],
      [nan, nan, inf, -inf],
      [2, nan, inf, 2],
    ]);
    const { outputs, grads } = vjp(() => maskedSoftmax(x, mask, { plan }), [x], [dy]);
    const [y, dx] = (await Promise.all([outputs[0]?.array(), grads[0]?.array()])) as [number[][], number[][]];
    const p = 1 / (1 + Math.E);
    const want = [
      [0, p, 1 - p, 0],
      [0, 0, 0, 0],
      [1 / (1 + Math.E), 0, 0, Math.E / (1 + Math.E)],
    ];
    y.flat().forEach((v, i) => {
      expect(v).toBeCloseTo(want.flat()[i] as number, 6);
    });
    const slope = 2 * p * (1 - p);
    const slopes = [[0, -slope, slope, 0], [0, 0, 0, 0], Array(4).fill(0)];
    dx.flat().forEach((v, i) => {
      expect(v).toBeCloseTo(slopes.flat()[i] as number, 6);
    });
  });

  test('NaN that is not masked makes its row NaN', async () => {
    const x = gpu.tensor([[Number.NaN, 1, 2, 3]]);
    const mask = gpu.tensor([1, 1, 0, 1], [4], { dtype: 'bool' });
    for (const temperature of [1, 2]) {
      const y = await maskedSoftmax(x, mask, { plan, temperature }).data();
      expect(y[0]).toBeNaN();
      expect(y[1]).toBeNaN();
    }
  });

  test('temperature, with gradients', async () => {
    const row = (t: number) => (r: number[]) => softmaxRow(r.map((v) => v / t));
    for (const temperature of [0.25, 5]) {
      const options = { plan, temperature };
      const cases = [
        [[3, 21], -1],
        [[2, 24], -1],
        [[9, 5], 0],
      ] as const;
      for (const [shape, axis] of cases) {
        await checkOp(
          gpu,
          (x) => [softmax(x, { ...options, axis }), logSoftmax(x, { ...options, axis })],
          (x) => [
            alongAxis(x, axis, row(temperature)),
            alongAxis(x, axis, (r) => row(temperature)(r).map((v) => Math.log(v))),
          ],
          [{ shape, range: [-4, 4] }],
        );
      }
    }
  });

  test('what counts as masked does so at any temperature', async () => {
    const rows = [
      [HIDDEN, -3.4e38, HIDDEN, -3.4e38],
      [-3.4e38, 1, HIDDEN, 1],
      [Number.NaN, 1, 0, 0],
    ];
    for (const temperature of [0.01, 100]) {
      const x = gpu.tensor(rows);
      const { aux, grads } = valueAndGrad(() => {
        const y = softmax(x, { plan, temperature });
        return { loss: sum(mul(y, gpu.tensor([1, 2, 3, 4]))), aux: y };
      }, x);
      const y = (await aux.array()) as number[][];
      expect(y.slice(0, 2)).toEqual([
        [0, 0, 0, 0],
        [0, 0.5, 0, 0.5],
      ]);
      expect(y[2]?.every(Number.isNaN)).toBe(true);
      expect(((await grads.array()) as number[][])[0]).toEqual([0, 0, 0, 0]);
    }
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const options = { plan, temperature: 2 };
    await checkOp(
      gpu,
      (x, m) => maskedSoftmax(x as Tensor, m as Tensor, options),
      definition(options) as (...n: Nd[]) => Nd,
      [
        { shape: [3, 24], dtype: 'f16', range: [-4, 4] },
        { shape: [3, 24], dtype: 'bool' },
      ],
    );
  });
});

test('is softmax with -inf in the masked places', async () => {
  const random = testRandom(3);
  const values = Array.from({ length: 60 }, () => random() * 8 - 4);
  const bits = Array.from({ length: 60 }, () => (random() < 0.5 ? 0 : 1));
  const masked = maskedSoftmax(gpu.tensor(values, [5, 12]), gpu.tensor(bits, [5, 12], { dtype: 'bool' }));
  const plain = softmax(
    gpu.tensor(
      values.map((v, i) => (bits[i] ? v : HIDDEN)),
      [5, 12],
    ),
  );
  expect(await masked.data()).toEqual(await plain.data());
});

test('its gradient has a gradient', async () => {
  const shape = [3, 4];
  const mask = { shape: [4], dtype: 'bool' as const, data: [1, 0, 1, 1], grad: false };
  for (const options of [{}, { temperature: 0.5 }, { axis: 0, temperature: 2 }]) {
    await checkHessian(
      gpu,
      (x, m) => maskedSoftmax(x as Tensor, m as Tensor, options),
      definition(options) as (...n: Nd[]) => Nd,
      [{ shape }, mask],
    );
  }
});

test('a gradient of a gradient of a row with nothing to attend to is zero', async () => {
  const x = gpu.tensor([
    [1, 2],
    [3, 4],
  ]);
  const mask = gpu.tensor([0, 0, 1, 1], [2, 2], { dtype: 'bool' });
  const loss = () => {
    const y = maskedSoftmax(x, mask);
    return sum(mul(y, y));
  };
  const second = grad(() => sum(mul(grad(loss, x), gpu.tensor([1, 2]))), x);
  expect(((await second.array()) as number[][])[0]).toEqual([0, 0]);
});

test('one dispatch forward, one backward', async () => {
  const bare = await Gpu.create();
  const x = bare.zeros([4, 5, 8]);
  const mask = bare.zeros([5, 1], 'bool');
  for (const axis of [0, 1, 2]) {
    bare.resetCounters();
    vjp(() => maskedSoftmax(x, mask, { axis, temperature: 2 }), [x], [x]);
    expect(bare.counters().dispatches).toBe(2);
  }
  bare.destroy();
});

test('no elements', async () => {
  for (const shape of [
    [0, 3],
    [3, 0],
  ]) {
    const x = gpu.empty(shape);
    expect(sizeOf(grad(() => sum(maskedSoftmax(x, gpu.zeros([1], 'bool'))), x).shape)).toBe(0);
  }
});

test('errors', () => {
  const x = gpu.empty([4, 7]);
  const mask = gpu.zeros([7], 'bool');
  const temperatures = [0, -1, Number.NaN, Number.POSITIVE_INFINITY];
  for (const temperature of temperatures) {
    const want = `temperature must be a finite number > 0, got ${temperature}`;
    expect(() => softmax(x, { temperature })).toThrow(`softmax: ${want}`);
    expect(() => logSoftmax(x, { temperature })).toThrow(`logSoftmax: ${want}`);
    expect(() => maskedSoftmax(x, mask, { temperature })).toThrow(`maskedSoftmax: ${want}`);
  }
  expect(() => maskedSoftmax(x, gpu.zeros([7]))).toThrow('maskedSoftmax: mask must be bool, got f32[7]');
  expect(() => maskedSoftmax(x, gpu.zeros([4], 'bool'))).toThrow(
    'maskedSoftmax: mask must broadcast to x, got bool[4] (x: f32[4, 7])',
  );
  expect(() => maskedSoftmax(x, gpu.zeros([1, 4, 7], 'bool'))).toThrow(
    'maskedSoftmax: mask must broadcast to x, got bool[1, 4, 7] (x: f32[4, 7])',
  );
  expect(() => maskedSoftmax(x, mask, { axis: 2 })).toThrow(
    'maskedSoftmax: axis must be in [-2, 2), got 2 (x: f32[4, 7])',
  );
  expect(() => maskedSoftmax(gpu.zeros([7], 'i32'), mask)).toThrow('maskedSoftmax: x must be f32 or f16, got i32[7]');
});
