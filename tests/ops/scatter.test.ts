import { describe, expect, test } from 'vitest';
import { vjp } from '../../src/autograd/tape.ts';
import { type DType, type Shape, sizeOf } from '../../src/host.ts';
import { gather, takeAlong } from '../../src/ops/gather.ts';
import { type ScatterPlan, scatterAdd, scatterAddAlong, scatterAlong, scatterRows } from '../../src/ops/scatter.ts';
import { DTypeError, ShapeError } from '../../src/runtime/errors.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { coordinates, nd, placeOf } from '../helpers/nd.ts';
import { checkSecondOrder } from '../helpers/second_order.ts';

const resolved = (index: number, n: number): number =>
  index < 0 ? (index + n < 0 ? -1 : index + n) : index < n ? index : -1;

/** Adds each element of `updates` to the place in `x` that gather would have taken it from. */
const added = (axis: number) => (x: Nd, indices: Nd, updates: Nd) => {
  const y = nd(x.shape, x.data);
  updates.data.forEach((v, i) => {
    const c = coordinates(i, updates.shape);
    const index = indices.data[placeOf(c.slice(axis, axis + indices.shape.length), indices.shape)] as number;
    const place = resolved(index, x.shape[axis] as number);
    if (place >= 0)
      y.data[placeOf([...c.slice(0, axis), place, ...c.slice(axis + indices.shape.length)], x.shape)]! += v;
  });
  return y;
};
const addedAlong = (shape: Shape, axis: number) => (updates: Nd, indices: Nd) => {
  const y = nd(shape, new Float64Array(sizeOf(shape)));
  updates.data.forEach((v, i) => {
    const c = coordinates(i, updates.shape);
    const place = resolved(indices.data[i] as number, shape[axis] as number);
    if (place >= 0) y.data[placeOf(c.with(axis, place), shape)]! += v;
  });
  return y;
};
/** Indices that miss now and then on either side, with a long run of equal ones. */
function someIndices(shape: Shape, length: number, dtype: DType, seed = 1): Input {
  const random = testRandom(seed);
  const low = dtype === 'i32' ? -length - 1 : 0;
  const data = Array.from({ length: sizeOf(shape) }, () =>
    random() < 0.4 ? Math.min(1, length - 1) : Math.floor(low + random() * (length + 1 - low)),
  );
  return { shape, dtype, data };
}
const around = (shape: Shape, axis: number, at: Shape): number[] => [
  ...shape.slice(0, axis),
  ...at,
  ...shape.slice(axis + 1),
];

describe.each<ScatterPlan>(['walk', 'sort'])('scatterAdd, %s', (plan) => {
  // Below, at and above the sizes at which sorting changes its method (256, 1,024) and sums go by blocks (2,048); vec4 and odd inner sizes.
  const cases: [Shape, number, Shape][] = [
    [[5], 0, [3]],
    [[5, 3], 0, [4]],
    [[5, 4], 0, [2, 3]],
    [[3, 5], 1, [7]],
    [[2, 4, 3], 1, [6]],
    [[2, 3, 8], 1, [5]],
    [[4], 0, []],
    [[3, 2], 0, [0]],
    [[0, 2], 0, [3]],
    [[3, 0], 0, [2]],
    [[1, 1], 0, [9]],
    [[7, 3], 0, [255]],
    [[7, 4], 0, [257]],
    [[300], 0, [1024]],
    [[2, 30], 1, [1025]],
  ];
  test.each(cases)('%j along %i, indices %j', async (shape, axis, at) => {
    for (const dtype of ['i32', 'u32'] as const) {
      const inputs = [shape, someIndices(at, shape[axis] as number, dtype), around(shape, axis, at)];
      const gradient = sizeOf(around(shape, axis, at)) < 300;
      await checkOp(gpu, (x, i, u) => scatterAdd(x, i, u, { axis, plan }), added(axis), inputs, { gradient });
    }
  });
  test.each<[Shape, number, Shape]>([
    [[5, 4], 0, [2047]],
    [[3, 4], 0, [2048]],
    [[3, 5], 0, [2049]],
    [[2, 3], 1, [5000]],
    [[2, 3, 3], 1, [5000]],
  ])('%j along %i, %j indices', async (shape, axis, at) => {
    const inputs = [shape, someIndices(at, shape[axis] as number, 'i32'), around(shape, axis, at)];
    await checkOp(gpu, (x, i, u) => scatterAdd(x, i, u, { axis, plan }), added(axis), inputs, { gradient: false });
  });
  test('integers wrap around exactly', async () => {
    for (const dtype of ['i32', 'u32'] as const) {
      for (const inner of [1, 4]) {
        const inputs: Input[] = [
          { shape: [3, inner], dtype, range: [2 ** 30, 2 ** 31 - 1] },
          someIndices([10], 3, 'i32'),
          { shape: [10, inner], dtype, range: [0, 2 ** 24 + 1] },
        ];
        const wrap = (t: Nd): Nd => ({ shape: t.shape, data: t.data.map((v) => (dtype === 'i32' ? v | 0 : v >>> 0)) });
        await checkOp(
          gpu,
          (x, i, u) => scatterAdd(x, i, u, { plan }),
          (...args) => wrap(added(0)(...(args as [Nd, Nd, Nd]))),
          inputs,
          { forward: 0 },
        );
      }
    }
    await checkOp(gpu, (x, i, u) => scatterAdd(x, i, u, { plan }), added(0), [
      { shape: [2], dtype: 'i32', range: [0, 9] },
      someIndices([3000], 2, 'i32'),
      { shape: [3000], dtype: 'i32', range: [-9, 9] },
    ]);
  });
  test('u32 indices do not count from the end', async () => {
    for (const count of [3, 2100]) {
      const data = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 4294967295 : i % 3));
      const indices: Input = { shape: [count], dtype: 'u32', data };
      for (const inner of [1, 4]) {
        const inputs = [[3, inner], indices, [count, inner]];
        await checkOp(gpu, (x, i, u) => scatterAdd(x, i, u, { plan }), added(0), inputs, { gradient: count < 9 });
      }
    }
  });
  test('f16 sums in f32', async () => {
    if (!gpu.features.has('shader-f16')) return;
    for (const inner of [3, 4]) {
      for (const count of [50, 3000]) {
        const inputs: Input[] = [
          { shape: [5, inner], dtype: 'f16' },
          someIndices([count], 5, 'i32'),
          { shape: [count, inner], dtype: 'f16' },
        ];
        await checkOp(gpu, (x, i, u) => scatterAdd(x, i, u, { plan }), added(0), inputs, { gradient: false });
      }
    }
  });
  test('rows, and along an axis', async () => {
    for (const axis of [0, 1, 2]) {
      const shape = [3, 4, 5];
      const at = shape.with(axis, 7);
      const rows = someIndices([6], shape[axis] as number, 'i32');
      await checkOp(
        gpu,
        (dy, i) => scatterRows('scatter', dy, i, shape, axis, plan),
        (dy, i) => added(axis)(nd(shape, new Float64Array(60)), i, dy),
        [around(shape, axis, [6]), rows],
      );
      await checkOp(gpu, (dy, i) => scatterAlong('scatter', dy, i, shape, axis, plan), addedAlong(shape, axis), [
        at,
        someIndices(at, shape[axis] as number, 'i32'),
      ]);
      const long = shape.with(axis, 2100);
      await checkOp(
        gpu,
        (dy, i) => scatterAlong('scatter', dy, i, shape, axis, plan),
        addedAlong(shape, axis),
        [long, someIndices(long, shape[axis] as number, 'i32')],
        { gradient: false },
      );
    }
  });
});

describe('scatterAddAlong', () => {
  const cases: [Shape, number, Shape][] = [
    [[5], 0, [3]],
    [[2, 3], 1, [2, 7]],
    [[3, 4], 0, [5, 4]],
    [[3, 4], 0, [5, 2]],
    [[3, 4, 2], 1, [2, 6, 1]],
    [[3, 4], 1, [0, 2]],
    [[3, 4], 1, [3, 0]],
  ];
  test.each(cases)('%j along %i, indices %j', async (shape, axis, at) => {
    const reference = (x: Nd, i: Nd, u: Nd) =>
      nd(
        shape,
        x.data.map((v, k) => v + (addedAlong(shape, axis)(u, i).data[k] as number)),
      );
    await checkOp(gpu, (x, i, u) => scatterAddAlong(x, i, u, { axis }), reference, [
      shape,
      someIndices(at, shape[axis] as number, 'i32'),
      at,
    ]);
  });
  test('errors', () => {
    const x = gpu.zeros([2, 3]);
    expect(() => scatterAddAlong(x, gpu.zeros([3, 3], 'i32'), gpu.zeros([3, 3]), { axis: 1 })).toThrow(ShapeError);
    expect(() => scatterAddAlong(x, gpu.zeros([2, 3], 'i32'), gpu.zeros([2, 2]))).toThrow(
      new ShapeError('scatterAddAlong', 'updates must have shape [2, 3], got f32[2, 2]'),
    );
  });
});

test('second order', async () => {
  const at = gpu.tensor([2, 0, 2, -1, 9], [5], { dtype: 'i32' });
  const base = gpu.tensor([1, 2, 3]);
  await checkSecondOrder(gpu, (x) => scatterAdd(base, at, x), [5]);
  await checkSecondOrder(gpu, (x) => scatterRows('scatter', x, at, [2, 3], 1), [2, 5]);
});

test('more indices than an invocation may walk on a CPU', async () => {
  const count = 70_000;
  const at = gpu.tensor(Int32Array.from({ length: count }, (_, i) => i % 2));
  const updates = gpu.tensor(new Int32Array(count).fill(1));
  const base = gpu.tensor(new Int32Array(2));
  const y = scatterAdd(base, at, updates);
  expect(await y.data()).toEqual(Int32Array.of(count / 2, count / 2));
  for (const t of [at, updates, base, y]) t.dispose();
});

test('the planner goes both ways, and each run gives the same bits', async () => {
  for (const [rows, count] of [
    [50, 64],
    [400, 3000],
  ] as const) {
    const random = testRandom(3);
    const weight = gpu.tensor(Array.from({ length: rows * 8 }, random), [rows, 8]);
    const at = gpu.tensor(Int32Array.from({ length: count }, () => Math.floor(random() ** 4 * rows)));
    const dy = gpu.tensor(
      Array.from({ length: count * 8 }, () => random() - 0.5),
      [count, 8],
    );
    const run = async () => (await vjp(() => gather(weight, at), [weight], [dy]).grads[0]?.data()) as Float32Array;
    const first = await run();
    for (let i = 0; i < 3; i++) expect(await run()).toEqual(first);
  }
});

test('gradients of takeAlong through either plan', async () => {
  for (const axis of [0, 1]) {
    const shape = [40, 50];
    const at = gpu.tensor(
      Int32Array.from({ length: 2000 }, (_, i) => (i * 7) % (shape[axis] as number)),
      shape,
    );
    const x = gpu.zeros(shape);
    const dy = gpu.tensor(
      Float32Array.from({ length: 2000 }, (_, i) => i),
      shape,
    );
    const { grads } = vjp(() => takeAlong(x, at, { axis }), [x], [dy]);
    const want = scatterAlong('scatter', dy, at, shape, axis, 'walk');
    expect(await grads[0]?.data()).toEqual(await want.data());
    expect(await scatterAlong('scatter', dy, at, shape, axis, 'sort').data()).toEqual(await want.data());
  }
});

test('errors', () => {
  const x = gpu.zeros([2, 3]);
  const at = gpu.zeros([4], 'i32');
  expect(() => scatterAdd(x, at, gpu.zeros([4, 2]))).toThrow(
    new ShapeError('scatterAdd', 'updates must have shape [4, 3], got f32[4, 2] (x: f32[2, 3], indices: i32[4])'),
  );
  expect(() => scatterAdd(x, gpu.zeros([4]), gpu.zeros([4, 3]))).toThrow(DTypeError);
  expect(() => scatterAdd(x, at, gpu.zeros([4, 3], 'i32'))).toThrow(
    new DTypeError('scatterAdd', 'x and updates must have the same dtype, got f32[2, 3] and i32[4, 3]'),
  );
  expect(() => scatterAdd(gpu.zeros([2], 'bool'), at, gpu.zeros([4], 'bool'))).toThrow(DTypeError);
  expect(() => scatterAdd(x, at, gpu.zeros([4, 3]), { axis: 5 })).toThrow('scatterAdd: axis must be in [-2, 2), got 5');
});

test('nothing was written out of range', () => guards.verify());
