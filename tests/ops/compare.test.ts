import { describe, expect, test } from 'vitest';
import type { Operand } from '../../src/ops/binary.ts';
import * as ops from '../../src/ops/compare.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import type { DType, Shape, Tensor } from '../../src/tensor.ts';
import { checkOp } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';
import { elementwise } from '../helpers/nd.ts';

type Compare = (a: Operand, b: Operand) => Tensor;
const COMPARISONS: readonly (readonly [name: string, op: Compare, f: (u: number, v: number) => boolean])[] = [
  ['equal', ops.equal, (u, v) => u === v],
  ['notEqual', ops.notEqual, (u, v) => u !== v],
  ['less', ops.less, (u, v) => u < v],
  ['lessEqual', ops.lessEqual, (u, v) => u <= v],
  ['greater', ops.greater, (u, v) => u > v],
  ['greaterEqual', ops.greaterEqual, (u, v) => u >= v],
];
const LOGICAL: readonly (readonly [
  name: string,
  op: (a: Tensor, b: Tensor) => Tensor,
  f: (u: number, v: number) => boolean,
])[] = [
  ['logicalAnd', ops.logicalAnd, (u, v) => u === 1 && v === 1],
  ['logicalOr', ops.logicalOr, (u, v) => u === 1 || v === 1],
  ['logicalXor', ops.logicalXor, (u, v) => u !== v],
  ['equal', ops.equal, (u, v) => u === v],
  ['notEqual', ops.notEqual, (u, v) => u !== v],
];
const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[1], [1]],
  [[3], [3]],
  [[4], [4]],
  [[5], [5]],
  [[2, 3], [3]],
  [
    [4, 1],
    [1, 5],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[2, 2], []],
  [[1023], [1023]],
  [[1025], [1]],
  [[1024], [1024]],
  [
    [2, 1, 2, 1, 2, 1, 2, 1],
    [1, 2, 1, 2, 1, 2, 1, 3],
  ],
  [[0, 3], [3]],
  [[0], [0]],
];
// Few different values, so that there are ties.
const some = (shape: Shape, dtype: DType = 'f32') => ({
  shape,
  dtype,
  data: Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => ((i * 7 + shape.length) % 5) - (dtype === 'u32' ? 0 : 2),
  ),
});

describe.each(COMPARISONS)('%s', (_name, op, f) => {
  const bit = (u: number, v: number) => Number(f(u, v));

  test('broadcasts, for floats and integers', async () => {
    // The walk over the operands is the same for all; compiling it for every rank, op and dtype would take long.
    const check = (a: Shape, b: Shape, dtype: DType) =>
      checkOp(gpu, op, (x, y) => elementwise(bit, x, y), [some(a, dtype), some(b, dtype)]);
    for (const [a, b] of op === ops.less ? SHAPES : SHAPES.slice(4, 8)) await check(a, b, 'f32');
    for (const [a, b] of SHAPES.slice(5, 7)) for (const dtype of ['i32', 'u32'] as const) await check(a, b, dtype);
  });

  test('numbers on either side', async () => {
    for (const dtype of ['f32', 'i32', 'u32'] as const) {
      await checkOp(
        gpu,
        (x) => op(x, 1),
        (x) => elementwise((u) => bit(u, 1), x),
        [some([7], dtype)],
      );
      await checkOp(
        gpu,
        (x) => op(1, x),
        (x) => elementwise((u) => bit(1, u), x),
        [some([7], dtype)],
      );
    }
  });

  test('NaN and infinities', async () => {
    const special = [NaN, Infinity, -Infinity, 0, -0, 1];
    const pairs = special.flatMap((u) => special.map((v) => [u, v] as const));
    const got = await op(gpu.tensor(pairs.map(([u]) => u)), gpu.tensor(pairs.map(([, v]) => v))).data();
    expect([...got]).toEqual(pairs.map(([u, v]) => bit(u, v)));
    const x = gpu.tensor(special);
    for (const v of special) {
      expect([...(await op(x, v).data())]).toEqual(special.map((u) => bit(u, v)));
      expect([...(await op(v, x).data())]).toEqual(special.map((u) => bit(v, u)));
    }
    expect([...(await op(x, x).data())]).toEqual(special.map((u) => bit(u, u)));
  });

  test('integers beyond f32', async () => {
    const i = (data: number[], dtype: DType) => gpu.tensor(data, [data.length], { dtype });
    const [a, b] = [
      [16777216, 16777217, -2147483648, 2147483647],
      [16777217, 16777217, 2147483647, -2147483648],
    ];
    expect([...(await op(i(a, 'i32'), i(b, 'i32')).data())]).toEqual(a.map((u, k) => bit(u, b[k] as number)));
    expect([...(await op(i(a, 'i32'), 16777217).data())]).toEqual(a.map((u) => bit(u, 16777217)));
    const u = [4294967295, 0, 2147483648];
    expect([...(await op(i(u, 'u32'), 2147483648).data())]).toEqual(u.map((v) => bit(v, 2147483648)));
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.tensor([1], [1], { dtype: 'f16' })).toThrow(LimitError);
      return;
    }
    await checkOp(gpu, op, (x, y) => elementwise(bit, x, y), [some([3, 5], 'f16'), some([5], 'f16')]);
    await checkOp(
      gpu,
      (x) => op(x, 1),
      (x) => elementwise((u) => bit(u, 1), x),
      [{ ...some([5], 'f16'), data: [NaN, 1, 2, Infinity, -Infinity] }],
      { gradient: false },
    );
  });
});

describe.each(LOGICAL)('%s on bool', (_name, op, f) => {
  test('broadcasts', async () => {
    for (const [a, b] of op === ops.logicalAnd ? SHAPES : SHAPES.slice(4, 8)) {
      await checkOp(gpu, op as Compare, (x, y) => elementwise((u, v) => Number(f(u, v)), x, y), [
        { shape: a, dtype: 'bool' },
        { shape: b, dtype: 'bool' },
      ]);
    }
  });
});

test('logicalNot, and equal with a number on bool', async () => {
  for (const shape of [[], [1], [4], [5], [3, 7], [0], [1025]]) {
    await checkOp(gpu, ops.logicalNot, (x) => elementwise((u) => 1 - u, x), [{ shape, dtype: 'bool' }]);
    await checkOp(
      gpu,
      (x) => ops.equal(x, 1),
      (x) => elementwise((u) => u, x),
      [{ shape, dtype: 'bool' }],
    );
    await checkOp(
      gpu,
      (x) => ops.notEqual(x, 0),
      (x) => elementwise((u) => u, x),
      [{ shape, dtype: 'bool' }],
    );
  }
});

test('isNaN, isInf, isFinite', async () => {
  const x = gpu.tensor([NaN, Infinity, -Infinity, 0, 1, -3e38]);
  expect(await ops.isNaN(x).array()).toEqual([true, false, false, false, false, false]);
  expect(await ops.isInf(x).array()).toEqual([false, true, true, false, false, false]);
  expect(await ops.isFinite(x).array()).toEqual([false, false, false, true, true, true]);
});

test('errors', () => {
  const x = gpu.tensor([1, 2, 3]);
  const m = gpu.tensor([true, false, true]);
  expect(() => ops.less(x, gpu.tensor([1, 2]))).toThrow(
    new ShapeError('less', 'shapes do not broadcast: a f32[3], b f32[2]'),
  );
  expect(() => ops.greater(m, m)).toThrow(new DTypeError('greater', 'a must be f32 or f16 or i32 or u32, got bool[3]'));
  expect(() => ops.equal(x, m)).toThrow(DTypeError);
  expect(() => ops.equal(m, 2)).toThrow(new ArgumentError('equal', 'a number must be a value of bool, got 2'));
  expect(() => ops.equal(1, 1)).toThrow(new ArgumentError('equal', 'a or b must be a tensor, got 1 and 1'));
  expect(() => ops.logicalAnd(m, x)).toThrow(
    new DTypeError('logicalAnd', 'a and b must have the same dtype, got bool[3] and f32[3]'),
  );
  expect(() => ops.logicalNot(x)).toThrow(new DTypeError('logicalNot', 'x must be bool, got f32[3]'));
  expect(() => ops.isNaN(m)).toThrow(new DTypeError('isNaN', 'x must be f32 or f16, got bool[3]'));
});
