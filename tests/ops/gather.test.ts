import { describe, expect, test } from 'vitest';
import type { DType, Shape } from '../../src/host.ts';
import { embedding, gather, type OneHotOptions, oneHot, takeAlong } from '../../src/ops/gather.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../src/runtime/errors.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

/** Where an index points in an axis of `n`, or -1. */
const resolved = (index: number, n: number): number =>
  index < 0 ? (index + n < 0 ? -1 : index + n) : index < n ? index : -1;
const gathered = (axis: number) => (x: Nd, indices: Nd) => {
  const { length } = indices.shape;
  return build([...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], (c) => {
    const place = resolved(at(indices, c.slice(axis, axis + length)), x.shape[axis] as number);
    return place < 0 ? 0 : at(x, [...c.slice(0, axis), place, ...c.slice(axis + length)]);
  });
};
const taken = (axis: number) => (x: Nd, indices: Nd) =>
  build(indices.shape, (c) => {
    const place = resolved(at(indices, c), x.shape[axis] as number);
    return place < 0 ? 0 : at(x, c.with(axis, place));
  });
const indices = (shape: Shape, data: number[], dtype: DType = 'i32'): Input => ({ shape, data, dtype });

describe('gather', () => {
  const cases: [Shape, number, Input][] = [
    [[5], 0, indices([3], [4, 0, 4])],
    [[5], 0, indices([], [2])],
    [[5, 3], 0, indices([4], [4, 0, 4, 1])],
    [[5, 4], 0, indices([2, 2], [4, 0, 4, -5])],
    [[3, 5], 1, indices([4], [1, 1, 1, 1])],
    [[3, 5], -1, indices([2, 1], [-1, 0])],
    [[2, 3, 4], 1, indices([2, 2], [2, 0, -1, 2])],
    [[2, 3, 5], 1, indices([], [-3])],
    [[5, 3], 0, indices([3], [5, -6, 2])],
    [[5, 8], 0, indices([3], [5, -6, 2])],
    [[5, 3], 0, indices([0], [])],
    [[0, 3], 0, indices([2], [0, -1])],
    [[3, 0], 0, indices([2], [0, 1])],
    [[1, 1], 1, indices([1], [0])],
    [[2, 3, 2, 2, 2], 2, indices([2, 1, 2], [1, 0, 0, 1])],
    [[3, 4], 0, indices([2], [2, 7], 'u32')],
    [[3], 0, indices([2], [4294967295, 1], 'u32')],
    [[257, 5], 0, indices([3], [256, 255, 0])],
  ];
  test.each(cases)('%j along %i by %j', async (shape, axis, at) => {
    const large = shape.reduce((a, b) => a * b, 1) > 1000;
    await checkOp(gpu, (x, i) => gather(x, i, { axis }), gathered(axis < 0 ? axis + shape.length : axis), [shape, at], {
      gradient: !large,
    });
  });
  test('second order', async () => {
    const at = gpu.tensor([2, 0, 2, -1, 9], [5], { dtype: 'i32' });
    await checkSecondOrder(gpu, (x) => gather(x, at, { axis: 1 }), [3, 4]);
    await checkSecondOrder(gpu, (x) => gather(x, at), [3, 4]);
  });
  test('dtypes', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      await checkOp(gpu, (x, i) => gather(x, i), gathered(0), [
        { shape: [5, 3], dtype, range: [0, 9] },
        indices([4], [4, 0, -4, 5]),
      ]);
      await checkOp(gpu, (x, i) => gather(x, i), gathered(0), [
        { shape: [5, 4], dtype, range: [0, 9] },
        indices([4], [4, 0, -4, 5]),
      ]);
    }
    if (!gpu.features.has('shader-f16')) return;
    await checkOp(gpu, (x, i) => gather(x, i), gathered(0), [
      { shape: [5, 3], dtype: 'f16' },
      indices([4], [4, 0, 4, 5]),
    ]);
    await checkOp(gpu, (x, i) => gather(x, i), gathered(0), [
      { shape: [5, 4], dtype: 'f16' },
      indices([4], [4, 0, 4, 5]),
    ]);
  });
  test('embedding is gather along axis 0', async () => {
    await checkOp(gpu, (w, i) => embedding(w, i), gathered(0), [[7, 8], indices([2, 3], [6, 0, 1, 1, 1, 7])]);
    expect(() => embedding(gpu.zeros([3]), gpu.zeros([1], 'i32'))).toThrow(
      new ShapeError('embedding', 'weight must have shape [V, D], got f32[3]'),
    );
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => gather(x, gpu.zeros([1]))).toThrow(new DTypeError('gather', 'indices must be i32 or u32, got f32[1]'));
    expect(() => gather(x, gpu.zeros([1], 'i32'), { axis: 2 })).toThrow(
      'gather: axis must be in [-2, 2), got 2 (x: f32[2, 3])',
    );
    expect(() => gather(gpu.zeros([]), gpu.zeros([1], 'i32'))).toThrow(ArgumentError);
    expect(() => gather(gpu.zeros([1, 1, 1, 1, 1, 1, 1]), gpu.zeros([1, 1, 1], 'i32'))).toThrow('at most 8 dimensions');
  });
});

describe('takeAlong', () => {
  const cases: [Shape, number, Input][] = [
    [[5], 0, indices([3], [4, 0, 4])],
    [[2, 3], 1, indices([2, 2], [2, 0, 1, 1])],
    [[2, 3], 0, indices([3, 3], [1, 0, 1, 0, -1, 0, 1, 1, -2])],
    [[3, 2, 4], 1, indices([3, 1, 4], [1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0])],
    [[2, 3], 1, indices([2, 3], [3, -4, 1, 0, 9, -1])],
    [[3, 3], 1, indices([2, 2], [2, 2, 0, 1])],
    [[3, 3], 0, indices([2, 1], [2, 0])],
    [[2, 3], 1, indices([2, 0], [])],
    [[2, 3], 1, indices([0, 3], [])],
    [[3], 0, indices([2], [4294967295, 1], 'u32')],
    [[2, 2, 2], 2, indices([1, 2, 3], [0, 1, 0, 1, 1, 1])],
  ];
  test.each(cases)('%j along %i by %j', async (shape, axis, at) => {
    await checkOp(gpu, (x, i) => takeAlong(x, i, { axis }), taken(axis), [shape, at]);
    await checkOp(gpu, (x, i) => takeAlong(x, i, { axis: axis - shape.length }), taken(axis), [shape, at], {
      gradient: false,
    });
  });
  test('second order', async () => {
    const at = gpu.tensor(
      [
        [2, 0, 2],
        [1, 1, 5],
      ],
      undefined,
      { dtype: 'i32' },
    );
    await checkSecondOrder(gpu, (x) => takeAlong(x, at, { axis: 1 }), [2, 3]);
    await checkSecondOrder(gpu, (x) => takeAlong(x, at, { axis: 0 }), [4, 5]);
  });
  test('dtypes', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      await checkOp(gpu, (x, i) => takeAlong(x, i), taken(0), [
        { shape: [5, 3], dtype, range: [0, 9] },
        indices([2, 3], [4, 0, -4, 5, 1, 1]),
      ]);
    }
    if (gpu.features.has('shader-f16'))
      await checkOp(gpu, (x, i) => takeAlong(x, i), taken(0), [
        { shape: [5, 3], dtype: 'f16' },
        indices([2, 3], [4, 0, -4, 5, 1, 1]),
      ]);
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    const message = 'indices must have the rank of x and be no larger but on axis 0, got i32[2] and x f32[2, 3]';
    expect(() => takeAlong(x, gpu.zeros([2], 'i32'))).toThrow(new ShapeError('takeAlong', message));
    expect(() => takeAlong(x, gpu.zeros([3, 3], 'i32'), { axis: 1 })).toThrow(ShapeError);
    expect(() => takeAlong(x, x)).toThrow(DTypeError);
  });
});

describe('oneHot', () => {
  const hot =
    (depth: number, { on = 1, off = 0, axis = -1 }: OneHotOptions = {}) =>
    (x: Nd) => {
      const place = axis < 0 ? axis + x.shape.length + 1 : axis;
      return build(x.shape.toSpliced(place, 0, depth), (c) =>
        resolved(at(x, c.toSpliced(place, 1)), depth) === c[place] ? on : off,
      );
    };
  const cases: [Input, number, OneHotOptions][] = [
    [indices([4], [0, 2, -1, 3]), 3, {}],
    [indices([], [1]), 2, {}],
    [indices([2, 2], [0, 1, 2, -4]), 3, { axis: 0 }],
    [indices([2, 2], [0, 1, 2, -3]), 3, { axis: 1, on: 0.5, off: -1 }],
    [indices([2], [1, 0]), 0, {}],
    [indices([0], []), 3, {}],
    [indices([3], [0, 4294967295, 1], 'u32'), 2, {}],
    [indices([3], [0, 1, 1]), 5, { dtype: 'i32', on: -123456789, off: 7 }],
    [indices([3], [0, 1, 1]), 5, { dtype: 'u32', on: 4000000001 }],
    [indices([3], [0, 1, 1]), 5, { dtype: 'bool' }],
    [
      indices(
        [300],
        Array.from({ length: 300 }, (_, i) => i % 7),
      ),
      7,
      { axis: 0 },
    ],
  ];
  test.each(cases)('%j, depth %i, %j', async (at, depth, options) => {
    await checkOp(gpu, (i) => oneHot(i, depth, options), hot(depth, options), [at], { forward: 0 });
  });
  test('f16', async () => {
    if (gpu.features.has('shader-f16'))
      await checkOp(gpu, (i) => oneHot(i, 3, { dtype: 'f16', on: 2 }), hot(3, { on: 2 }), [indices([2], [0, 2])]);
  });
  test('errors', () => {
    expect(() => oneHot(gpu.zeros([2]), 3)).toThrow(new DTypeError('oneHot', 'indices must be i32 or u32, got f32[2]'));
    expect(() => oneHot(gpu.zeros([2], 'i32'), -1)).toThrow(
      new ArgumentError('oneHot', 'depth must be a whole number >= 0, got -1'),
    );
    expect(() => oneHot(gpu.zeros([2], 'i32'), 2, { axis: 2 })).toThrow(
      'oneHot: axis must be in [-2, 1], got 2 (indices: i32[2])',
    );
    expect(() => oneHot(gpu.zeros([2], 'i32'), 2, { dtype: 'i32', on: 0.5 })).toThrow(
      'oneHot: on must be a value of i32, got 0.5',
    );
  });
});

test('nothing was written out of range', () => guards.verify());
