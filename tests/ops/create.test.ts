import { expect, test } from 'vitest';
import { arange, full } from '../../src/ops/create.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import type { DType } from '../../src/tensor.ts';
import { gpu, guards } from '../helpers/gpu.ts';

test.each([[[]], [[1]], [[3, 5]], [[0]], [[1025]], [[2, 1, 3, 1, 2]]])('full %j', async (shape) => {
  const size = shape.reduce((a, b) => a * b, 1);
  const values: readonly [DType, number][] = [
    ['f32', -1.5],
    ['f32', Infinity],
    ['f32', NaN],
    ['i32', -7],
    ['i32', -2147483648],
    ['u32', 4294967295],
    ['bool', 1],
    ['bool', 0],
  ];
  for (const [dtype, value] of values) {
    const x = full(gpu, shape, value, dtype);
    expect([x.shape, x.dtype]).toEqual([shape, dtype]);
    expect([...(await x.data())]).toEqual(new Array(size).fill(value));
  }
  await guards.verify();
});

test('full takes booleans, and f32 by default', async () => {
  expect(await full(gpu, [2], true, 'bool').array()).toEqual([true, true]);
  expect(full(gpu, [1], 2).dtype).toBe('f32');
});

test('full f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => full(gpu, [1], 1, 'f16')).toThrow(LimitError);
    return;
  }
  expect([...(await full(gpu, [3], -1.5, 'f16').data())]).toEqual([-1.5, -1.5, -1.5]);
});

test('arange', async () => {
  const list = async (...args: [number, number, number?, DType?]) => [...(await arange(gpu, ...args).data())];
  expect([...(await arange(gpu, 4).data())]).toEqual([0, 1, 2, 3]);
  expect(arange(gpu, 4).dtype).toBe('f32');
  expect(await list(2, 5)).toEqual([2, 3, 4]);
  expect(await list(5, 0, -2)).toEqual([5, 3, 1]);
  expect(await list(0, 1, 0.25)).toEqual([0, 0.25, 0.5, 0.75]);
  expect(await list(0, 1, 0.3)).toHaveLength(4);
  expect(await list(3, 3)).toEqual([]);
  expect(await list(3, 1)).toEqual([]);
  expect(await list(-3, 4, 3, 'i32')).toEqual([-3, 0, 3]);
  expect(await list(3, -4, -3, 'i32')).toEqual([3, 0, -3]);
  expect(await list(6, 0, -2, 'u32')).toEqual([6, 4, 2]);
  expect(await list(4294967290, 4294967296, 2, 'u32')).toEqual([4294967290, 4294967292, 4294967294]);
  expect(await list(16777216, 16777220, 1, 'i32')).toEqual([16777216, 16777217, 16777218, 16777219]);
  for (const n of [1023, 1024, 1025, 70_001]) {
    const x = await list(0, n, 1, 'i32');
    expect(x.length === n && x.every((v, i) => v === i)).toBe(true);
  }
  await guards.verify();
});

test('errors', () => {
  expect(() => full(gpu, [2], 0.5, 'i32')).toThrow(new ArgumentError('full', 'value must be a value of i32, got 0.5'));
  expect(() => full(gpu, [2], -1, 'u32')).toThrow('full: value must be a value of u32, got -1');
  expect(() => full(gpu, [2], 2, 'bool')).toThrow('full: value must be a value of bool, got 2');
  expect(() => full(gpu, [2, -1], 0)).toThrow(ShapeError);
  expect(() => arange(gpu, 0, 3, 0)).toThrow(
    new ArgumentError('arange', 'start, stop and step must be finite and step not 0, got 0, 3, 0'),
  );
  expect(() => arange(gpu, Infinity)).toThrow(ArgumentError);
  expect(() => arange(gpu, 0, 3, 0.5, 'i32')).toThrow('arange: step must be a value of i32, got 0.5');
  expect(() => arange(gpu, -1, 3, 1, 'u32')).toThrow('arange: start must be a value of u32, got -1');
  expect(() => arange(gpu, 5, -3, -2, 'u32')).toThrow('arange: the last value must be a value of u32, got -1');
  expect(() => arange(gpu, 0, 3, 1, 'f16')).toThrow(new DTypeError('arange', 'dtype must be f32, i32 or u32, got f16'));
});
