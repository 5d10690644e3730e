import { describe, expect, test } from 'vitest';
import type { Shape } from '../../src/host.ts';
import { tril, triu } from '../../src/ops/tril.ts';
import { ArgumentError, ShapeError } from '../../src/runtime/errors.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

const part = (keep: (r: number, c: number) => boolean) => (x: Nd) =>
  build(x.shape, (c) => (keep(...(c.slice(-2) as [number, number])) ? at(x, c) : 0));

describe.each([0, 1, -1, 3, -3, 100, -100])('diagonal %i', (diagonal) => {
  const shapes: Shape[] = [
    [1, 1],
    [4, 4],
    [3, 5],
    [5, 3],
    [2, 3, 4],
    [2, 1, 2, 3, 3],
    [0, 3],
    [3, 0],
    [1, 300],
    [17, 16],
  ];
  test.each(shapes.map((s) => [s]))('%j', async (shape) => {
    await checkOp(
      gpu,
      (x) => tril(x, { diagonal }),
      part((r, c) => c - r <= diagonal),
      [shape],
    );
    await checkOp(
      gpu,
      (x) => triu(x, { diagonal }),
      part((r, c) => c - r >= diagonal),
      [shape],
    );
  });
});
test('dtypes', async () => {
  for (const dtype of ['i32', 'u32', 'bool'] as const) {
    await checkOp(
      gpu,
      (x) => tril(x),
      part((r, c) => c <= r),
      [{ shape: [3, 5], dtype, range: [1, 9] }],
    );
    await checkOp(
      gpu,
      (x) => triu(x, { diagonal: 1 }),
      part((r, c) => c > r),
      [{ shape: [3, 5], dtype, range: [1, 9] }],
    );
  }
  if (gpu.features.has('shader-f16'))
    await checkOp(
      gpu,
      (x) => tril(x),
      part((r, c) => c <= r),
      [{ shape: [3, 5], dtype: 'f16' }],
    );
});
test('second order', async () => {
  await checkSecondOrder(gpu, (x) => tril(x), [3, 4]);
  await checkSecondOrder(gpu, (x) => triu(x), [3, 4]);
});
test('what is cut off does not matter', async () => {
  expect(
    await tril(
      gpu.tensor([
        [1, Number.NaN],
        [2, 3],
      ]),
    ).array(),
  ).toEqual([
    [1, 0],
    [2, 3],
  ]);
});
test('errors', () => {
  expect(() => tril(gpu.zeros([3]))).toThrow(new ShapeError('tril', 'x must have at least 2 dimensions, got f32[3]'));
  expect(() => triu(gpu.zeros([3, 3]), { diagonal: 0.5 })).toThrow(
    new ArgumentError('triu', 'diagonal must be a whole number, got 0.5'),
  );
});

test('nothing was written out of range', () => guards.verify());
