import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../../src/autograd/tape.ts';
import { mul } from '../../../src/ops/binary.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { gridSamplePlain } from '../../../src/ops/reference/grid_sample.ts';
import { type GridSampleOptions, gridSample } from '../../../src/ops/resample/grid_sample.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../../src/runtime/errors.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { gpu, guards } from '../../helpers/gpu.ts';
import { sampled } from '../../helpers/resample.ts';
import { checkSecondOrder } from '../../helpers/second_order.ts';

const OPTIONS: Required<GridSampleOptions>[] = (['bilinear', 'nearest'] as const).flatMap((mode) =>
  (['zeros', 'border', 'reflection'] as const).flatMap((paddingMode) =>
    [false, true].map((alignCorners) => ({ mode, paddingMode, alignCorners })),
  ),
);

/** Places so far from where a derivative jumps that central differences and f32 agree. */
function placesOf(shape: readonly number[], [H, W]: readonly [number, number], reach: number, seed: number): number[] {
  const random = testRandom(seed);
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    const n = i % 2 === 0 ? W : H;
    for (;;) {
      const g = (random() * 2 - 1) * reach;
      const centred = ((g + 1) * n - 1) / 2;
      const aligned = ((g + 1) / 2) * (n - 1);
      const near = (v: number) => Math.abs(2 * v - Math.round(2 * v)) < 0.02;
      if (!near(centred) && (n === 1 || !near(aligned))) return g;
    }
  });
}

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly out: readonly [number, number];
  readonly reach?: number;
}

function check({ x, out, reach = 1.3 }: Case, options: GridSampleOptions, dtype: 'f32' | 'f16' = 'f32'): Promise<void> {
  const shape = [x[0], ...out, 2];
  return checkOp(
    gpu,
    (x: Tensor, grid: Tensor) => gridSample(x, grid, options),
    (x: Nd, grid: Nd) => sampled(x, grid, options),
    [
      { shape: x, dtype },
      { shape, dtype, data: placesOf(shape, [x[2], x[3]], reach, 3) },
    ],
    // Differences of two elements, and coordinates beside them, lose digits.
    dtype === 'f32' ? { forward: 2e-5, backward: 2e-4 } : { forward: 1e-2, backward: 2e-2 },
  );
}

const CASES: readonly Case[] = [
  { x: [2, 3, 5, 7], out: [4, 3] },
  { x: [1, 9, 4, 4], out: [3, 5], reach: 3.7 },
  { x: [1, 1, 1, 6], out: [1, 5] },
  { x: [3, 5, 2, 1], out: [2, 2], reach: 2 },
  { x: [1, 2, 3, 3], out: [13, 13], reach: 1.6 },
];

describe.each(OPTIONS)('%j', (options) => {
  test.each(CASES)('%j', (c) => check(c, options));
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
    return;
  }
  for (const options of OPTIONS) await check({ x: [1, 3, 4, 5], out: [3, 4], reach: 0.95 }, options, 'f16');
});

test('any geometry', async () => {
  const small = fc.integer({ min: 1, max: 9 });
  const calls = fc.record({
    x: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 11 }), small, small),
    out: fc.tuple(small, small),
    reach: fc.double({ min: 0.5, max: 5, noNaN: true }),
    options: fc.constantFrom(...OPTIONS),
  });
  await fc.assert(
    fc.asyncProperty(calls, async ({ x, out, reach, options }) => {
      const shape = [x[0], ...out, 2];
      const small = x.reduce((a, b) => a * b, 1) * out[0] * out[1] < 4000;
      await checkOp(
        gpu,
        (x: Tensor, grid: Tensor) => gridSample(x, grid, options),
        (x: Nd, grid: Nd) => sampled(x, grid, options),
        [x, { shape, data: placesOf(shape, [x[2], x[3]], reach, x[3]) }],
        { gradient: small, forward: 5e-5, backward: 5e-4 },
      );
    }),
    { numRuns: 50, seed: 2 },
  );
});

test('many places in one cell, more than are summed in turn', async () => {
  const [n, places] = [3, 3000];
  const random = testRandom(8);
  const grid = gpu.tensor(
    Float32Array.from({ length: 2 * places }, () => random() * 0.3),
    [1, 1, places, 2],
  );
  const [x, dy] = [gpu.zeros([1, 2, n, n]), gpu.tensor(new Float32Array(2 * places).fill(1), [1, 2, 1, places])];
  const [dx] = vjp(() => gridSample(x, grid, { alignCorners: true }), [x], [dy]).grads as [Tensor];
  const data = Array.from((await dx.data()) as Float32Array);
  // The weights of a place sum to 1.
  expect(data.reduce((a, b) => a + b) / (2 * places)).toBeCloseTo(1, 5);
});

describe('the plain definition', () => {
  test.each(OPTIONS)('%j', async (options) => {
    const shape = [1, 3, 4, 2];
    const random = testRandom(1);
    const x = gpu.tensor(
      Array.from({ length: 60 }, () => random()),
      [1, 3, 4, 5],
    );
    const grid = gpu.tensor(placesOf(shape, [4, 5], 1.5, 4), shape);
    const seeds = gpu.tensor(
      Array.from({ length: 36 }, () => random() - 0.5),
      [1, 3, 3, 4],
    );
    const runs = [gridSample, gridSamplePlain].map((f) => vjp(() => f(x, grid, options), [x, grid], [seeds]));
    const [own, plain] = await Promise.all(
      runs.map(({ outputs, grads }) =>
        Promise.all(
          [...outputs, ...grads].map(async (t) => ({ shape: t!.shape, data: Float64Array.from(await t!.data()) })),
        ),
      ),
    );
    own!.forEach((got, i) => expectClose(['y', 'dx', 'dgrid'][i]!, got, plain![i]!, 2e-5));
  });
});

describe('second derivative', () => {
  const places = placesOf([1, 3, 3, 2], [4, 5], 1.2, 6);

  test.each(OPTIONS)('by x, %j', (options) => {
    const grid = gpu.tensor(places, [1, 3, 3, 2]);
    return checkSecondOrder(gpu, (x) => gridSample(x, grid, options), [1, 2, 4, 5]);
  });

  // Against central differences of the gradient.
  test.each(OPTIONS.filter(({ mode }) => mode === 'bilinear'))('by the grid, %j', async (options) => {
    const random = testRandom(9);
    const x = gpu.tensor(
      Array.from({ length: 40 }, () => random() * 2 - 1),
      [1, 2, 4, 5],
    );
    const v = Array.from(places, () => random() * 2 - 1);
    const slope = (grid: Tensor) =>
      grad(() => {
        const y = gridSample(x, grid, options);
        return sum(mul(y, y));
      }, grid);
    const grid = gpu.tensor(places, [1, 3, 3, 2]);
    const got = grad(() => sum(mul(slope(grid), gpu.tensor(v, [1, 3, 3, 2]))), grid);
    const h = 2e-3;
    const moved = async (sign: number) =>
      slope(
        gpu.tensor(
          places.map((g, i) => g + sign * h * (v[i] as number)),
          [1, 3, 3, 2],
        ),
      ).data();
    const [up, down] = [await moved(1), await moved(-1)];
    const want = Float64Array.from(up, (a, i) => (a - (down[i] as number)) / (2 * h));
    expectClose(
      'second derivative',
      { shape: got.shape, data: await got.data() },
      { shape: got.shape, data: want },
      2e-3,
    );
  });
});

test('the same bits twice', async () => {
  const random = testRandom(5);
  const draw = (shape: number[]) =>
    gpu.tensor(
      Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 2 - 1),
      shape,
    );
  const [x, grid, dy] = [draw([2, 3, 6, 6]), draw([2, 20, 20, 2]), draw([2, 3, 20, 20])];
  const run = async () => {
    const { outputs, grads } = vjp(() => gridSample(x, grid), [x, grid], [dy]);
    return Promise.all([...outputs, ...grads].map((t) => t!.data()));
  };
  expect(await run()).toEqual(await run());
});

describe('coordinates', () => {
  const x = () => gpu.tensor([1, 2, 3, 4], [1, 1, 1, 4]);
  const at = (...g: number[]) =>
    gpu.tensor(
      g.flatMap((v) => [v, 0]),
      [1, 1, g.length, 2],
    );

  test('NaN counts as -1, without a gradient', async () => {
    const options = { alignCorners: true } as const;
    const grid = at(Number.NaN, -1, 0.1);
    expect([...(await gridSample(x(), grid, options).data())].slice(0, 2)).toEqual([1, 1]);
    const dgrid = await grad(() => sum(gridSample(x(), grid, options)), grid).data();
    expect(dgrid[0]).toBe(0);
    expect(dgrid[4]).toBeCloseTo(1.5, 5);
  });

  test('infinities lie outside', async () => {
    const grid = at(Infinity, -Infinity, 1e30);
    expect([...(await gridSample(x(), grid).data())]).toEqual([0, 0, 0]);
    expect([...(await gridSample(x(), grid, { paddingMode: 'border' }).data())]).toEqual([4, 1, 4]);
    const mirrored = await gridSample(x(), grid, { paddingMode: 'reflection' }).data();
    expect([...mirrored].every((v) => v >= 1 && v <= 4)).toBe(true);
  });

  test('what is not read does not matter: NaN and infinity beside an element', async () => {
    const x = gpu.tensor([Number.NaN, 2, Infinity, 4], [1, 1, 1, 4]);
    expect([...(await gridSample(x, at(-2.5, 2.5)).data())]).toEqual([0, 0]);
    expect([...(await gridSample(x, at(1), { alignCorners: true, paddingMode: 'border' }).data())]).toEqual([4]);
  });

  test('of two equally near elements the even one', async () => {
    expect([...(await gridSample(x(), at(-0.5, 0, 0.5), { mode: 'nearest' }).data())]).toEqual([1, 3, 3]);
  });
});

test('empty', () => {
  for (const [shape, out] of [
    [
      [0, 3, 4, 4],
      [0, 2, 2, 2],
    ],
    [
      [2, 0, 4, 4],
      [2, 2, 2, 2],
    ],
    [
      [2, 3, 4, 4],
      [2, 0, 2, 2],
    ],
  ] as const) {
    const [x, grid] = [gpu.zeros([...shape]), gpu.zeros([...out])];
    const y = gridSample(x, grid);
    expect(y.shape).toEqual([shape[0], shape[1], out[1], out[2]]);
    const { grads } = vjp(() => gridSample(x, grid), [x, grid], [gpu.zeros([...y.shape])]);
    expect(grads.map((g) => g!.shape)).toEqual([shape, out]);
  }
});

describe('errors', () => {
  const x = () => gpu.zeros([1, 2, 4, 4]);
  const grid = () => gpu.zeros([1, 3, 3, 2]);
  test.each([
    [
      () => gridSample(gpu.zeros([2, 4, 4]), grid()),
      ShapeError,
      'x must be [N, C, H, W] with H and W of at least 1, got f32[2, 4, 4]',
    ],
    [
      () => gridSample(gpu.zeros([1, 2, 0, 4]), grid()),
      ShapeError,
      'x must be [N, C, H, W] with H and W of at least 1, got f32[1, 2, 0, 4]',
    ],
    [
      () => gridSample(x(), gpu.zeros([2, 3, 3, 2])),
      ShapeError,
      'grid must have shape [1, *, *, 2], got f32[2, 3, 3, 2]',
    ],
    [
      () => gridSample(x(), gpu.zeros([1, 3, 3, 3])),
      ShapeError,
      'grid must have shape [1, *, *, 2], got f32[1, 3, 3, 3]',
    ],
    [() => gridSample(gpu.zeros([1, 2, 4, 4], 'i32'), grid()), DTypeError, 'x must be f32 or f16, got i32[1, 2, 4, 4]'],
    [
      () => gridSample(x(), gpu.zeros([1, 3, 3, 2], 'i32')),
      DTypeError,
      'x and grid must have the same dtype, got f32[1, 2, 4, 4] and i32[1, 3, 3, 2]',
    ],
    [
      () => gridSample(x(), grid(), { mode: 'bicubic' as never }),
      ArgumentError,
      "mode must be 'bilinear' or 'nearest', got 'bicubic'",
    ],
    [
      () => gridSample(x(), grid(), { paddingMode: 'wrap' as never }),
      ArgumentError,
      "paddingMode must be 'zeros', 'border' or 'reflection', got 'wrap'",
    ],
  ])('%#', (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(`gridSample: ${message}`);
  });
});

test('nothing was written out of range', () => guards.verify());
