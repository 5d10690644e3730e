import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../../src/autograd/tape.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { type ResizeOptions, resize } from '../../../src/ops/resample/resize.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../../src/runtime/errors.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, type Nd } from '../../../src/testing/check.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu } from '../../helpers/gpu.ts';
import { resized } from '../../helpers/resample.ts';
import { checkSecondOrder } from '../../helpers/second_order.ts';

const check = (shape: readonly number[], options: ResizeOptions, dtype: 'f32' | 'f16' = 'f32') =>
  checkOp(
    gpu,
    (x: Tensor) => resize(x, options),
    (x: Nd) => resized(x, options),
    [{ shape, dtype }],
  );

const MODES: readonly ResizeOptions[] = [
  { mode: 'nearest' },
  { mode: 'nearest', halfPixelCenters: true },
  { mode: 'nearest', alignCorners: true },
  { mode: 'bilinear' },
  { mode: 'bilinear', alignCorners: true },
  { mode: 'bilinear', halfPixelCenters: false },
];

// Up and down, by whole factors and others, odd sizes, one element, one output, more and fewer than four lanes.
const GEOMETRIES: readonly (readonly [shape: readonly number[], options: ResizeOptions])[] = [
  [[2, 3, 7], { size: 13 }],
  [[1, 2, 5], { size: 2 }],
  [[1, 1, 1], { size: 9 }],
  [[1, 1, 9], { size: 1 }],
  [[2, 2, 3, 5], { size: [7, 4] }],
  [[1, 3, 8, 6], { size: [3, 6] }],
  [[1, 2, 4, 4], { scale: 2 }],
  [[1, 2, 5, 7], { scale: [0.5, 1.7] }],
  [[1, 2, 3, 3], { scale: [1.2, 2.3] }],
  [[2, 5, 3, 5], { size: [4, 9], layout: 'nhwc' }],
  [[1, 6, 5, 1], { size: [3, 7], layout: 'nhwc' }],
  [[1, 2, 3, 4, 5], { size: [5, 2, 7] }],
  [[1, 3, 2, 4, 6], { scale: [1.5, 2, 0.7], layout: 'nhwc' }],
];

describe.each(GEOMETRIES)('%j %j', (shape, options) => {
  test.each(MODES)('%j', (mode) => check(shape, { ...options, ...mode }));
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
    return;
  }
  for (const mode of MODES) await check([1, 2, 5, 6], { size: [9, 4], ...mode }, 'f16');
});

test('any geometry', async () => {
  const axis = fc.record({ n: fc.integer({ min: 1, max: 9 }), m: fc.integer({ min: 1, max: 19 }) });
  const calls = fc.record({
    axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
    mode: fc.constantFrom(...MODES),
    layout: fc.constantFrom('nchw' as const, 'nhwc' as const),
    byScale: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(calls, async ({ axes, mode, layout, byScale }) => {
      const sizes = axes.map(({ n }) => n);
      const shape = layout === 'nhwc' ? [1, ...sizes, 3] : [1, 3, ...sizes];
      const to = byScale ? { scale: axes.map(({ n, m }) => (m + 0.3) / n) } : { size: axes.map(({ m }) => m) };
      const options = { ...mode, ...to, layout };
      const gradient = axes.reduce((size, { n, m }) => size * n * m, 9) < 20_000;
      await checkOp(
        gpu,
        (x: Tensor) => resize(x, options),
        (x: Nd) => resized(x, options),
        [shape],
        { gradient },
      );
    }),
    { numRuns: 60, seed: 5 },
  );
});

test('each output is read by its element: the gradients of all sum to their number', async () => {
  for (const mode of MODES)
    for (const [n, m] of [
      [5, 1000],
      [1000, 7],
      [333, 334],
      [640, 479],
      [257, 1031],
    ] as const) {
      const x = gpu.zeros([1, 1, n]);
      const dx = grad(() => sum(resize(x, { ...mode, size: m })), x);
      expect(Array.from(await dx.data()).reduce((a, b) => a + b)).toBeCloseTo(m, 2);
    }
});

describe('second derivative', () => {
  test.each(MODES)('%j', (mode) => checkSecondOrder(gpu, (x) => resize(x, { ...mode, size: [5, 3] }), [1, 2, 3, 4]));
});

test('the same bits twice', async () => {
  const x = gpu.tensor(
    Float32Array.from({ length: 4 * 81 }, (_, i) => Math.sin(i)),
    [2, 2, 9, 9],
  );
  const run = async () => {
    const y = resize(x, { mode: 'bilinear', scale: 1.7 });
    const dx = grad(() => sum(resize(x, { mode: 'bilinear', scale: 1.7 })), x);
    return [await y.data(), await dx.data()];
  };
  expect(await run()).toEqual(await run());
});

test('one dispatch each way', () =>
  bare(async (gpu) => {
    const [x, dy] = [gpu.zeros([1, 2, 4, 4]), gpu.zeros([1, 2, 7, 7])];
    gpu.resetCounters();
    vjp(() => resize(x, { size: 7 }), [x], [dy]);
    expect(gpu.counters().dispatches).toBe(2);
  }));

test('empty', async () => {
  for (const [shape, out] of [
    [
      [0, 3, 4, 4],
      [0, 3, 2, 2],
    ],
    [
      [2, 0, 4, 4],
      [2, 0, 2, 2],
    ],
  ] as const) {
    const x = gpu.zeros([...shape]);
    expect(resize(x, { size: 2 }).shape).toEqual(out);
    expect(grad(() => sum(resize(x, { size: 2 })), x).shape).toEqual(shape);
  }
});

test('equal sizes copy, whatever the scale was; an element of weight 0 is not read', async () => {
  const x = gpu.tensor([1, Number.POSITIVE_INFINITY, 3], [1, 1, 3]);
  expect([...(await resize(x, { mode: 'bilinear', scale: 1.2 }).data())]).toEqual([1, Infinity, 3]);
  const corners = resize(x, { mode: 'bilinear', size: 5, alignCorners: true });
  expect([...(await corners.data())]).toEqual([1, Infinity, Infinity, Infinity, 3]);
});

describe('errors', () => {
  const x = () => gpu.zeros([1, 2, 4, 4]);
  test.each([
    [{}, ArgumentError, 'resize: either size or scale must be given, got neither'],
    [{ size: 2, scale: 2 }, ArgumentError, 'resize: either size or scale must be given, got both'],
    [{ size: 0 }, ArgumentError, 'resize: size must be a whole number of at least 1, or 2 of them, got 0'],
    [
      { size: [1, 2, 3] },
      ArgumentError,
      'resize: size must be a whole number of at least 1, or 2 of them, got [1,2,3]',
    ],
    [
      { scale: 0.1 },
      ArgumentError,
      'resize: scale must be a number > 0, or 2 of them, that leaves an output, got 0.1 for sizes [4, 4]',
    ],
    [
      { scale: [2] },
      ArgumentError,
      'resize: scale must be a number > 0, or 2 of them, that leaves an output, got [2] for sizes [4, 4]',
    ],
    [{ size: 2, mode: 'cubic' }, ArgumentError, "resize: mode must be 'nearest' or 'bilinear', got 'cubic'"],
    [{ size: 2, layout: 'hwcn' }, ArgumentError, "resize: layout must be 'nchw' or 'nhwc', got 'hwcn'"],
    [
      { size: 2, alignCorners: true, halfPixelCenters: true },
      ArgumentError,
      'resize: alignCorners and halfPixelCenters must not both be true',
    ],
  ] as const)('%j', (options, kind, message) => {
    expect(() => resize(x(), options as unknown as ResizeOptions)).toThrow(kind);
    expect(() => resize(x(), options as unknown as ResizeOptions)).toThrow(message);
  });

  test('of x', () => {
    expect(() => resize(gpu.zeros([2, 4]), { size: 2 })).toThrow(ShapeError);
    expect(() => resize(gpu.zeros([2, 4]), { size: 2 })).toThrow('resize: x must have rank 3, 4 or 5, got f32[2, 4]');
    expect(() => resize(gpu.zeros([1, 2, 0]), { size: 2 })).toThrow(
      'resize: x must have elements to read, got f32[1, 2, 0]',
    );
    expect(() => resize(gpu.zeros([1, 2, 3], 'i32'), { size: 2 })).toThrow(DTypeError);
    expect(() => resize(gpu.zeros([1, 2, 3], 'i32'), { size: 2 })).toThrow(
      'resize: x must be f32 or f16, got i32[1, 2, 3]',
    );
  });
});
