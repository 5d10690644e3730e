import { describe, expect, test } from 'vitest';
import { type DType, type Shape, sizeOf } from '../../src/host.ts';
import { broadcastTo, expandDims, flip, permute, reshape, squeeze, tile, transpose } from '../../src/ops/shape.ts';
import { ArgumentError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

const seen = (x: Nd, shape: Shape): Nd => ({ shape, data: x.data });
const permuted = (order: readonly number[]) => (x: Nd) =>
  build(
    order.map((a) => x.shape[a] as number),
    (c) =>
      at(
        x,
        order.map((_, i) => c[order.indexOf(i)] as number),
      ),
  );
const broadcast = (shape: Shape) => (x: Nd) =>
  build(shape, (c) =>
    at(
      x,
      x.shape.map((n, i) => (n === 1 ? 0 : (c[i + shape.length - x.shape.length] as number))),
    ),
  );
const flipped = (axes: readonly number[]) => (x: Nd) =>
  build(x.shape, (c) =>
    at(
      x,
      c.map((v, i) => (axes.includes(i) ? (x.shape[i] as number) - 1 - v : v)),
    ),
  );
const tiled = (reps: readonly number[]) => (x: Nd) => {
  const rank = Math.max(reps.length, x.shape.length);
  const shape = [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape];
  const times = [...Array.from({ length: rank - reps.length }, () => 1), ...reps];
  return build(
    shape.map((n, i) => n * (times[i] as number)),
    (c) =>
      at(
        { shape, data: x.data },
        c.map((v, i) => v % (shape[i] as number)),
      ),
  );
};

describe('reshape, expandDims, squeeze', () => {
  const cases: [Shape, Shape, Shape?][] = [
    [
      [2, 3],
      [3, 2],
    ],
    [[2, 3], [6]],
    [[6], [2, -1], [2, 3]],
    [[], [1, 1]],
    [[1], []],
    [
      [0, 3],
      [3, 0],
    ],
    [
      [2, 0],
      [0, 5],
    ],
    [[4, 6], [-1], [24]],
    [
      [2, 3, 4, 5],
      [1, 2, 1, 3, 1, 4, 1, 5],
    ],
    [
      [3, 0],
      [-1, 3],
      [0, 3],
    ],
  ];
  test.each(cases)('%j to %j', async (from, to, shape = to) => {
    await checkOp(
      gpu,
      (x) => reshape(x, to),
      (x) => seen(x, shape),
      [from],
    );
  });
  test('shares the memory, without a dispatch', async () => {
    const x = gpu.tensor([1, 2, 3, 4]);
    gpu.flush();
    gpu.resetCounters();
    const y = squeeze(expandDims(reshape(x, [2, 2]), 1));
    expect(gpu.counters().dispatches).toBe(0);
    expect(y.storage).toBe(x.storage);
    x.dispose();
    expect(await y.array()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  test.each<[number, Shape]>([
    [0, [1, 2, 3]],
    [1, [2, 1, 3]],
    [2, [2, 3, 1]],
    [-1, [2, 3, 1]],
    [-3, [1, 2, 3]],
  ])('expandDims at %i', async (axis, shape) => {
    await checkOp(
      gpu,
      (x) => expandDims(x, axis),
      (x) => seen(x, shape),
      [[2, 3]],
    );
  });
  test.each<[number | number[] | undefined, Shape]>([
    [undefined, [2, 3]],
    [0, [2, 1, 3, 1]],
    [-1, [1, 2, 1, 3]],
    [
      [0, 2],
      [2, 3, 1],
    ],
    [[], [1, 2, 1, 3, 1]],
  ])('squeeze %j', async (axis, shape) => {
    await checkOp(
      gpu,
      (x) => squeeze(x, axis),
      (x) => seen(x, shape),
      [[1, 2, 1, 3, 1]],
    );
  });
  test('every dtype', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      const x = gpu.tensor([1, 0, 1, 0, 1, 1], [2, 3], { dtype });
      expect([...(await reshape(x, [3, 2]).data())]).toEqual([1, 0, 1, 0, 1, 1]);
    }
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => reshape(x, [4])).toThrow(
      new ShapeError('reshape', 'shape must hold 6 elements, got [4] for x f32[2, 3]'),
    );
    expect(() => reshape(x, [-1, 4])).toThrow('reshape: shape does not divide 6 elements, got [-1, 4] for x f32[2, 3]');
    expect(() => reshape(x, [-1, -1])).toThrow('at most one -1');
    expect(() => reshape(x, [1.5])).toThrow('whole numbers');
    expect(() => reshape(gpu.zeros([0]), [0, -1])).toThrow('could be anything');
    expect(() => reshape(x, [1, 1, 1, 1, 1, 1, 1, 2, 3])).toThrow('at most 8 dimensions');
    expect(() => expandDims(x, 3)).toThrow(
      new ArgumentError('expandDims', 'axis must be in [-3, 2], got 3 (x: f32[2, 3])'),
    );
    expect(() => expandDims(gpu.zeros([1, 1, 1, 1, 1, 1, 1, 1]), 0)).toThrow('at most 7 dimensions');
    expect(() => squeeze(x, 0)).toThrow(
      new ShapeError('squeeze', 'axis must name axes of size 1, axis 0 has 2 (x: f32[2, 3])'),
    );
  });
});

describe('permute, transpose', () => {
  // Odd sizes; tiles of 4 x 4 below, at and above one; vec4 rows; axes of size 1; collapsing neighbours; rank 8.
  const cases: [Shape, number[]][] = [
    [
      [1, 1],
      [1, 0],
    ],
    [
      [3, 5],
      [1, 0],
    ],
    [
      [4, 4],
      [1, 0],
    ],
    [
      [8, 4],
      [1, 0],
    ],
    [
      [5, 4],
      [1, 0],
    ],
    [
      [4, 6],
      [1, 0],
    ],
    [
      [3, 8, 12],
      [0, 2, 1],
    ],
    [
      [3, 8, 12],
      [2, 1, 0],
    ],
    [
      [8, 3, 4],
      [2, 1, 0],
    ],
    [
      [8, 3, 4],
      [1, 2, 0],
    ],
    [
      [4, 8, 5],
      [1, 0, 2],
    ],
    [
      [2, 3, 4, 8],
      [0, 2, 1, 3],
    ],
    [
      [2, 3, 4, 8],
      [3, 2, 1, 0],
    ],
    [
      [2, 4, 4, 8],
      [0, 3, 2, 1],
    ],
    [
      [2, 1, 3],
      [1, 0, 2],
    ],
    [
      [0, 3],
      [1, 0],
    ],
    [[], []],
    [[7], [0]],
    [
      [2, 3, 1, 2, 3, 2, 1, 2],
      [7, 2, 1, 0, 5, 6, 3, 4],
    ],
    [
      [4, 3, 2, 2, 4],
      [4, 3, 0, 1, 2],
    ],
    [
      [2, 3, 4, 5, 6],
      [-1, -2, 0, 1, 2],
    ],
  ];
  test.each(cases)('%j by %j', async (shape, order) => {
    await checkOp(gpu, (x) => permute(x, order), permuted(order.map((a) => (a < 0 ? a + order.length : a))), [shape]);
  });
  test.each(cases)('second order, %j by %j', async (shape, order) => {
    if (sizeOf(shape) > 0) await checkSecondOrder(gpu, (x) => permute(x, order), shape);
  });
  test('transpose swaps the last two axes, or any', async () => {
    await checkOp(gpu, (x) => transpose(x), permuted([0, 2, 1]), [[2, 3, 5]]);
    await checkOp(gpu, (x) => transpose(x, 0, -1), permuted([2, 1, 0]), [[2, 3, 5]]);
    await checkOp(gpu, (x) => transpose(x, 1, 1), permuted([0, 1, 2]), [[2, 3, 5]]);
  });
  test('moving axes of size 1 alone is a view', () => {
    const x = gpu.zeros([1, 6, 1]);
    gpu.resetCounters();
    permute(x, [1, 2, 0]);
    expect(gpu.counters().dispatches).toBe(0);
  });
  test.each<[DType, Shape, number[]]>([
    ['i32', [4, 8], [1, 0]],
    ['u32', [3, 5], [1, 0]],
    ['bool', [3, 5, 2], [2, 0, 1]],
    ['bool', [3, 2, 8], [1, 0, 2]],
    ['bool', [8, 4], [1, 0]],
    ['bool', [0, 4], [1, 0]],
  ])('%s%j by %j', async (dtype, shape, order) => {
    await checkOp(gpu, (x) => permute(x, order), permuted(order), [{ shape, dtype, range: [0, 1000] }]);
  });
  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.zeros([2], 'f16')).toThrow(LimitError);
      return;
    }
    for (const shape of [
      [3, 5],
      [8, 4],
      [8, 3, 4],
    ]) {
      const order = shape.map((_, i) => shape.length - 1 - i);
      await checkOp(gpu, (x) => permute(x, order), permuted(order), [{ shape, dtype: 'f16' }], { forward: 0 });
    }
    await checkOp(gpu, (x) => permute(x, [1, 0, 2]), permuted([1, 0, 2]), [{ shape: [3, 2, 8], dtype: 'f16' }], {
      forward: 0,
    });
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => permute(x, [0, 0])).toThrow(
      new ArgumentError('permute', 'order must name each of 2 axes once, got [0, 0] (x: f32[2, 3])'),
    );
    expect(() => permute(x, [0])).toThrow('order must name each of 2 axes once');
    expect(() => permute(x, [0, 2])).toThrow('permute: order must be in [-2, 2), got 2 (x: f32[2, 3])');
    expect(() => transpose(gpu.zeros([3]))).toThrow('transpose: axis0 must be in [-1, 1), got -2');
  });
});

describe('broadcastTo', () => {
  const cases: [Shape, Shape][] = [
    [[], [3]],
    [[1], [5]],
    [[3], [2, 3]],
    [[4], [3, 4]],
    [
      [3, 1],
      [3, 4],
    ],
    [
      [1, 8],
      [5, 8],
    ],
    [
      [2, 1, 4],
      [2, 3, 4],
    ],
    [
      [1, 3, 1],
      [2, 3, 2],
    ],
    [
      [2, 3],
      [2, 3],
    ],
    [[1], [0]],
    [
      [1, 3],
      [0, 3],
    ],
    [[0], [2, 0]],
    [
      [1, 2, 1, 2, 1, 2, 1, 2],
      [2, 2, 2, 2, 2, 2, 2, 2],
    ],
    [[1], [1, 1, 257]],
  ];
  test.each(cases)('%j to %j', async (from, to) => {
    await checkOp(gpu, (x) => broadcastTo(x, to), broadcast(to), [from]);
  });
  test('second order', async () => {
    await checkSecondOrder(gpu, (x) => broadcastTo(x, [4, 2, 3]), [2, 1]);
  });
  test('bool', async () => {
    await checkOp(gpu, (x) => broadcastTo(x, [3, 5]), broadcast([3, 5]), [{ shape: [5], dtype: 'bool' }]);
    await checkOp(gpu, (x) => broadcastTo(x, [3, 8]), broadcast([3, 8]), [{ shape: [8], dtype: 'bool' }]);
  });
  test('more than 65,535 workgroups', async () => {
    const n = Math.ceil((65_535 * 256) / 3) + 100;
    const y = broadcastTo(gpu.tensor([7, 8, 9]), [n, 3]);
    const data = await y.data();
    expect(data.findIndex((v, i) => v !== 7 + (i % 3))).toBe(-1);
    y.dispose();
    gpu.trim();
  });
  test('errors', () => {
    expect(() => broadcastTo(gpu.zeros([2, 3]), [3])).toThrow(
      new ShapeError('broadcastTo', 'x must broadcast to [3], got f32[2, 3]'),
    );
    expect(() => broadcastTo(gpu.zeros([2]), [3])).toThrow('x must broadcast to [3], got f32[2]');
    expect(() => broadcastTo(gpu.zeros([1]), [-1])).toThrow(ShapeError);
  });
});

describe('flip', () => {
  const cases: [Shape, number | number[] | undefined, number[]][] = [
    [[5], 0, [0]],
    [[3, 4], undefined, [0, 1]],
    [[3, 4], -1, [1]],
    [[3, 8], 0, [0]],
    [
      [2, 3, 4, 5],
      [1, -1],
      [1, 3],
    ],
    [[1, 3], [0], [0]],
    [[0, 3], 1, [1]],
    [[2, 3], [], []],
    [[], undefined, []],
  ];
  test.each(cases)('%j along %j', async (shape, axis, axes) => {
    await checkOp(gpu, (x) => flip(x, axis), flipped(axes), [shape]);
  });
  test('second order and other dtypes', async () => {
    await checkSecondOrder(gpu, (x) => flip(x, 0), [3, 4]);
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      await checkOp(gpu, (x) => flip(x, [0]), flipped([0]), [{ shape: [3, 4], dtype, range: [0, 9] }]);
      await checkOp(gpu, (x) => flip(x), flipped([0, 1]), [{ shape: [3, 5], dtype, range: [0, 9] }]);
    }
  });
  test('errors', () => {
    expect(() => flip(gpu.zeros([2]), 1)).toThrow('flip: axes must be in [-1, 1), got 1');
  });
});

describe('tile', () => {
  const cases: [Shape, number[]][] = [
    [[3], [2]],
    [[2, 3], [2]],
    [[3], [2, 1]],
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 4],
      [3, 1],
    ],
    [
      [2, 3, 2],
      [1, 2, 3],
    ],
    [
      [2, 3],
      [1, 1],
    ],
    [
      [2, 3],
      [0, 2],
    ],
    [
      [0, 2],
      [2, 2],
    ],
    [[], [3]],
    [[], []],
    [
      [2, 2, 2, 2],
      [2, 3, 2, 2],
    ],
    [
      [1, 2, 1, 2, 1, 2, 1, 2],
      [2, 2, 2, 1, 2, 2, 2, 2],
    ],
    [
      [2, 1, 3],
      [2, 2, 2],
    ],
    [
      [2, 3, 4],
      [2, 1, 2],
    ],
  ];
  test.each(cases)('%j by %j', async (shape, reps) => {
    await checkOp(gpu, (x) => tile(x, reps), tiled(reps), [shape]);
  });
  test('second order and other dtypes', async () => {
    await checkSecondOrder(gpu, (x) => tile(x, [2, 3]), [2, 3]);
    for (const dtype of ['i32', 'u32', 'bool'] as const)
      await checkOp(gpu, (x) => tile(x, [2, 2]), tiled([2, 2]), [{ shape: [3, 5], dtype, range: [0, 9] }]);
  });
  test('errors', () => {
    expect(() => tile(gpu.zeros([2]), [-1])).toThrow(
      new ArgumentError('tile', 'reps must be whole numbers >= 0, got [-1]'),
    );
    expect(() => tile(gpu.zeros([2]), [1, 1, 1, 1, 1, 1, 1, 1, 1])).toThrow('reps must name at most 8 axes');
  });
});

test('nothing was written out of range', () => guards.verify());
