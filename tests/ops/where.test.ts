import { expect, test } from 'vitest';
import { grad } from '../../src/autograd/tape.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { where } from '../../src/ops/where.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import type { DType, Shape } from '../../src/tensor.ts';
import { checkOp } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { elementwise } from '../helpers/nd.ts';

const choose = (c: number, a: number, b: number) => (c ? a : b);
const SHAPES: readonly (readonly [cond: Shape, a: Shape, b: Shape])[] = [
  [[], [], []],
  [[1], [1], [1]],
  [[5], [5], [5]],
  [[4], [4], [4]],
  [[3], [], [3]],
  [[2, 3], [3], [2, 1]],
  [[2, 1, 1, 5], [2, 3, 4, 5], []],
  [[4, 1], [1, 5], [1]],
  // Nothing can be merged: as many loops as dimensions, 4 to 8.
  [[2, 1, 2, 1], [1, 2, 1, 2], []],
  [[2, 1, 2, 1, 3], [1, 3, 1, 2, 1], []],
  [[2, 1, 2, 1, 2, 1], [1, 2, 1, 3, 1, 2], [2]],
  [[], [1, 2, 1, 2, 1, 3, 1], [3, 1, 2, 1, 2, 1, 2]],
  [[3], [2, 3], [4, 1, 1]],
  [[1023], [1023], [1023]],
  [[1025], [1], [1025]],
  [[2, 1, 2, 1, 2, 1, 2, 1], [1, 2, 1, 2, 1, 2, 1, 3], [3]],
  [[0, 3], [3], []],
  [[3], [0, 1], []],
];
const RANGE: Readonly<Record<DType, readonly [number, number]>> = {
  f32: [-1, 1],
  f16: [-1, 1],
  i32: [-99, 99],
  u32: [0, 99],
  bool: [0, 1],
};

test.each(['f32', 'i32', 'u32', 'bool'] as const)('broadcasts among the three, %s', async (dtype) => {
  for (const [cond, a, b] of SHAPES) {
    const gradient = cond[0] !== 1025 && cond[0] !== 1023;
    const input = (shape: Shape) => ({ shape, dtype, range: RANGE[dtype] });
    await checkOp(
      gpu,
      where,
      (c, x, y) => elementwise(choose, c, x, y),
      [{ shape: cond, dtype: 'bool' }, input(a), input(b)],
      { gradient },
    );
  }
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.tensor([1], [1], { dtype: 'f16' })).toThrow(LimitError);
    return;
  }
  const inputs = [
    { shape: [2, 3], dtype: 'bool' as const },
    { shape: [3], dtype: 'f16' as const },
    { shape: [2, 1], dtype: 'f16' as const },
  ];
  await checkOp(gpu, where, (c, x, y) => elementwise(choose, c, x, y), inputs);
  await checkOp(
    gpu,
    (c, x) => where(c, x, -Infinity),
    (c, x) => elementwise((k, v) => (k ? v : -Infinity), c, x),
    inputs.slice(0, 2),
    { gradient: false },
  );
});

test('numbers', async () => {
  for (const dtype of ['f32', 'i32', 'u32', 'bool'] as const) {
    for (const shape of [[5], [2, 5]]) {
      const inputs = [
        { shape: [5], dtype: 'bool' as const },
        { shape, dtype, range: RANGE[dtype] },
      ];
      await checkOp(
        gpu,
        (c, x) => where(c, x, 1),
        (c, x) => elementwise((k, v) => choose(k, v, 1), c, x),
        inputs,
      );
      await checkOp(
        gpu,
        (c, x) => where(c, 0, x),
        (c, x) => elementwise((k, v) => choose(k, 0, v), c, x),
        inputs,
      );
    }
  }
  const c = gpu.tensor([true, false]);
  expect([...(await where(c, -Infinity, gpu.tensor([NaN, NaN])).data())]).toEqual([-Infinity, NaN]);
  expect([...(await where(c, gpu.tensor([1, 2], [2], { dtype: 'u32' }), 4294967295).data())]).toEqual([1, 4294967295]);
});

test('what is not taken has no gradient, not even NaN', async () => {
  const c = gpu.tensor([true, false, true]);
  const [a, b] = [gpu.tensor([1, NaN, 3]), gpu.tensor([Infinity, 5, NaN])];
  const slopes = grad(() => sum(mul(where(c, a, b), gpu.tensor([2, Infinity, 4]))), [a, b] as const);
  expect([...(await slopes[0].data())]).toEqual([2, 0, 4]);
  expect([...(await slopes[1].data())]).toEqual([0, Infinity, 0]);
});

test('the gradient of the gradient', async () => {
  const cond = { shape: [3], dtype: 'bool' as const, data: [1, 0, 1], grad: false };
  await checkHessian(
    gpu,
    (c, a, b) => mul(where(c, mul(a, a), b), b),
    (c, a, b) => elementwise((k, u, v) => choose(k, u * u, v) * v, c, a, b),
    [cond, { shape: [2, 3] }, { shape: [3] }],
    1e-3, // differences of 1e-3
  );
});

test('errors', () => {
  const x = gpu.tensor([1, 2, 3]);
  const m = gpu.tensor([true, false, true]);
  expect(() => where(x, x, x)).toThrow(new DTypeError('where', 'cond must be bool, got f32[3]'));
  expect(() => where(m, x, m)).toThrow(
    new DTypeError('where', 'a and b must have the same dtype, got f32[3] and bool[3]'),
  );
  expect(() => where(m, x, gpu.tensor([1, 2]))).toThrow(
    new ShapeError('where', 'shapes do not broadcast: cond bool[3], a f32[3], b f32[2]'),
  );
  expect(() => where(m, 1, 2)).toThrow(new ArgumentError('where', 'a or b must be a tensor, got 1 and 2'));
  expect(() => where(m, gpu.tensor([1], [1], { dtype: 'i32' }), 0.5)).toThrow(
    new ArgumentError('where', 'a number must be a value of i32, got 0.5'),
  );
});
