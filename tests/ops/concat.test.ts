import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { concat, split, stack } from '../../src/ops/concat.ts';
import { sum } from '../../src/ops/reduce.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { at, build } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

const joined =
  (axis: number) =>
  (...list: Nd[]) => {
    const sizes = list.map((t) => t.shape[axis] as number);
    const shape = (list[0] as Nd).shape.with(
      axis,
      sizes.reduce((a, b) => a + b, 0),
    );
    return build(shape, (c) => {
      let k = 0;
      let i = c[axis] as number;
      while (i >= (sizes[k] as number)) i -= sizes[k++] as number;
      return at(list[k] as Nd, c.with(axis, i));
    });
  };
const stacked =
  (axis: number) =>
  (...list: Nd[]) =>
    build((list[0] as Nd).shape.toSpliced(axis, 0, list.length), (c) =>
      at(list[c[axis] as number] as Nd, c.toSpliced(axis, 1)),
    );
const cut = (sizes: readonly number[], axis: number) => (x: Nd) => {
  let start = 0;
  return sizes.map((n) => {
    const from = start;
    start += n;
    return build(x.shape.with(axis, n), (c) => at(x, c.with(axis, (c[axis] as number) + from)));
  });
};

describe('concat', () => {
  // One to 15 inputs (seven a dispatch), vec4 widths and odd ones, empty pieces, each axis.
  const cases: [Shape[], number][] = [
    [[[3]], 0],
    [[[3], [2]], 0],
    [[[4], [8]], 0],
    [
      [
        [2, 3],
        [1, 3],
      ],
      0,
    ],
    [
      [
        [2, 3],
        [2, 1],
      ],
      1,
    ],
    [
      [
        [2, 4],
        [2, 8],
      ],
      1,
    ],
    [
      [
        [2, 3],
        [2, 0],
        [2, 2],
      ],
      1,
    ],
    [
      [
        [0, 3],
        [2, 3],
      ],
      0,
    ],
    [[[0], [0]], 0],
    [
      [
        [2, 3, 4],
        [2, 5, 4],
      ],
      1,
    ],
    [
      [
        [3, 2, 1, 2],
        [3, 2, 4, 2],
      ],
      2,
    ],
    [
      [
        [0, 2],
        [0, 3],
      ],
      1,
    ],
    [
      [
        [40, 3],
        [40, 5],
      ],
      1,
    ],
    [Array.from({ length: 7 }, (_, i) => [2, i + 1]), 1],
    [Array.from({ length: 8 }, (_, i) => [2, i + 1]), 1],
    [Array.from({ length: 15 }, (_, i) => [3, (i % 3) * 4]), 1],
    [
      [
        [2, 1, 2, 1, 2, 1, 2, 1],
        [2, 1, 2, 1, 2, 3, 2, 1],
      ],
      5,
    ],
  ];
  test.each(cases)('%j along %i', async (shapes, axis) => {
    await checkOp(gpu, (...list) => concat(list, { axis }), joined(axis), shapes);
    await checkOp(gpu, (...list) => concat(list, { axis: axis - (shapes[0] as Shape).length }), joined(axis), shapes, {
      gradient: false,
    });
  });
  test('the same tensor twice gets both gradients', async () => {
    const x = gpu.tensor([1, 2]);
    const w = gpu.tensor([1, 2, 30, 40]);
    const { grads } = valueAndGrad(() => sum(mul(concat([x, x]), w)), x);
    expect(await grads.array()).toEqual([31, 42]);
  });
  test('only some inputs are differentiated', async () => {
    const [a, b, c] = [gpu.tensor([1, 2]), gpu.tensor([3]), gpu.tensor([4, 5])];
    const w = gpu.tensor([1, 2, 3, 4, 5]);
    const { grads } = valueAndGrad(() => sum(mul(concat([a, b, c]), w)), [b, c]);
    expect(await Promise.all(grads.map((g) => g.array()))).toEqual([[3], [4, 5]]);
  });
  test('dtypes', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const) {
      await checkOp(
        gpu,
        (...list) => concat(list, { axis: 1 }),
        joined(1),
        [
          [3, 2],
          [3, 5],
        ].map((shape) => ({ shape, dtype, range: [0, 9] as const })),
      );
      await checkOp(
        gpu,
        (...list) => concat(list),
        joined(0),
        [[4], [8]].map((shape) => ({ shape, dtype, range: [0, 9] as const })),
      );
    }
    if (!gpu.features.has('shader-f16')) return;
    await checkOp(
      gpu,
      (...list) => concat(list, { axis: 1 }),
      joined(1),
      [
        [3, 2],
        [3, 5],
      ].map((shape) => ({ shape, dtype: 'f16' as const })),
    );
    await checkOp(
      gpu,
      (...list) => concat(list, { axis: 1 }),
      joined(1),
      [
        [3, 4],
        [3, 8],
      ].map((shape) => ({ shape, dtype: 'f16' as const })),
    );
  });
  test('second order', async () => {
    await checkSecondOrder(gpu, (x) => concat([x, mul(x, 2), x], { axis: 1 }), [2, 3]);
    await checkSecondOrder(gpu, (x) => stack([x, mul(x, 2)], { axis: 1 }), [2, 3]);
  });
  test('seven inputs are one dispatch', () => {
    const list = Array.from({ length: 7 }, () => gpu.zeros([2, 3]));
    const before = gpu.debug;
    gpu.debug = null;
    gpu.resetCounters();
    concat(list, { axis: 1 });
    expect(gpu.counters().dispatches).toBe(1);
    gpu.debug = before;
  });
  test('errors', () => {
    expect(() => concat([])).toThrow(new ArgumentError('concat', 'list must hold at least one tensor, got none'));
    expect(() => concat([gpu.zeros([2, 3]), gpu.zeros([2, 4])])).toThrow(
      new ShapeError('concat', 'list must have equal shapes but for axis 0, got f32[2, 3] and f32[2, 4]'),
    );
    expect(() => concat([gpu.zeros([2]), gpu.zeros([2, 1])])).toThrow(ShapeError);
    expect(() => concat([gpu.zeros([2]), gpu.zeros([2], 'i32')])).toThrow(
      new DTypeError('concat', 'list[0] and list[1] must have the same dtype, got f32[2] and i32[2]'),
    );
    expect(() => concat([gpu.zeros([2])], { axis: 1 })).toThrow('concat: axis must be in [-1, 1), got 1');
  });
});

describe('stack', () => {
  test.each<[Shape, number, number]>([
    [[3], 2, 0],
    [[3], 2, 1],
    [[2, 3], 3, 1],
    [[4], 2, 1],
    [[4], 2, 0],
    [[], 3, 0],
    [[2, 3], 9, 2],
    [[0], 2, 0],
    [[2], 1, 0],
  ])('%j, %i of them, at %i', async (shape, n, axis) => {
    const shapes = Array.from({ length: n }, () => shape);
    await checkOp(gpu, (...list) => stack(list, { axis }), stacked(axis), shapes);
    await checkOp(gpu, (...list) => stack(list, { axis: axis - shape.length - 1 }), stacked(axis), shapes, {
      gradient: false,
    });
  });
  test('errors', () => {
    expect(() => stack([gpu.zeros([2]), gpu.zeros([3])])).toThrow(
      new ShapeError('stack', 'list must have equal shapes, got f32[2] and f32[3]'),
    );
    expect(() => stack([gpu.zeros([2])], { axis: 2 })).toThrow(
      'stack: axis must be in [-2, 1], got 2 (list[0]: f32[2])',
    );
    expect(() => stack([gpu.zeros([1, 1, 1, 1, 1, 1, 1, 1])])).toThrow('at most 7 dimensions');
  });
});

describe('split', () => {
  const cases: [Shape, number | number[], number, number[]][] = [
    [[6], 3, 0, [2, 2, 2]],
    [[6], [1, 5], 0, [1, 5]],
    [[2, 6], [1, 3, 2], 1, [1, 3, 2]],
    [[2, 12], [4, 8], 1, [4, 8]],
    [[5, 3], [2, 0, 3], 0, [2, 0, 3]],
    [[3, 9], 9, -1, Array(9).fill(1)],
    [[2, 15, 2], 15, 1, Array(15).fill(1)],
    [[128, 4], 2, 0, [64, 64]],
    [[4, 2], 1, 1, [2]],
    [[0, 4], 2, 1, [2, 2]],
    [[2, 0], [0, 0], 1, [0, 0]],
    [[2, 7], 1, 1, [7]],
  ];
  test.each(cases)('%j into %j along %i', async (shape, sections, axis, sizes) => {
    await checkOp(gpu, (x) => split(x, sections, { axis }), cut(sizes, axis < 0 ? axis + shape.length : axis), [shape]);
  });
  test.each([1, 4])('pieces without a gradient count as zeros, %i wide', async (n) => {
    const x = gpu.tensor(
      Array.from({ length: 6 * n }, (_, i) => i + 1),
      [2, 3 * n],
    );
    const { grads } = valueAndGrad(() => {
      const [, b] = split(x, 3, { axis: 1 }) as [Tensor, Tensor];
      return sum(mul(b, b));
    }, x);
    const data = await x.data();
    const second = (i: number) => Math.floor((i % (3 * n)) / n) === 1;
    expect([...(await grads.data())]).toEqual([...data].map((v, i) => (second(i) ? 2 * v : 0)));
  });
  test('second order', async () => {
    await checkSecondOrder(gpu, (x) => concat(split(x, [1, 2], { axis: 1 }).reverse(), { axis: 1 }), [2, 3]);
    await checkSecondOrder(gpu, (x) => split(x, [1, 2, 5], { axis: 1 })[1] as Tensor, [3, 8]);
  });
  test('dtypes', async () => {
    for (const dtype of ['i32', 'u32', 'bool'] as const)
      await checkOp(gpu, (x) => split(x, [1, 4], { axis: 1 }), cut([1, 4], 1), [
        { shape: [3, 5], dtype, range: [0, 9] },
      ]);
    if (gpu.features.has('shader-f16'))
      await checkOp(gpu, (x) => split(x, [1, 4], { axis: 1 }), cut([1, 4], 1), [{ shape: [3, 5], dtype: 'f16' }]);
  });
  test('aligned pieces of the first axis are views', async () => {
    const x = gpu.tensor(Array.from({ length: 192 }, (_, i) => i));
    gpu.flush();
    gpu.resetCounters();
    const pieces = split(x, 3);
    expect(gpu.counters().dispatches).toBe(0);
    expect((await pieces[1]?.data())?.[0]).toBe(64);
  });
  test('errors', () => {
    const x = gpu.zeros([2, 6]);
    expect(() => split(x, 4, { axis: 1 })).toThrow(
      new ArgumentError(
        'split',
        'sections must be a whole number that divides 6, the size of axis 1, got 4 (x: f32[2, 6])',
      ),
    );
    expect(() => split(x, [1, 2], { axis: 1 })).toThrow(
      'split: sections must be whole numbers that sum to 6, the size of axis 1, got [1, 2] (x: f32[2, 6])',
    );
    expect(() => split(x, [], { axis: 1 })).toThrow(ArgumentError);
    expect(() => split(x, [-1, 7], { axis: 1 })).toThrow(ArgumentError);
    expect(() => split(x, 0)).toThrow(ArgumentError);
  });
});

test('nothing was written out of range', () => guards.verify());
