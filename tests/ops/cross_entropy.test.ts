import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { type CrossEntropyOptions, crossEntropy } from '../../src/ops/cross_entropy.ts';
import { sum } from '../../src/ops/reduce.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { coordinates, nd, placeOf } from '../helpers/nd.ts';

const plans: Record<string, NonNullable<CrossEntropyOptions['plan']>> = {
  'one invocation a row': { lanes: 1, splits: 1, vec4: false },
  'one, in one dispatch': { lanes: 1, splits: 1, vec4: false, whole: true },
  'four lanes, in one dispatch': { lanes: 4, splits: 1, vec4: false, whole: true },
  '64 lanes': { lanes: 64, splits: 1, vec4: false },
  'a workgroup, in one dispatch': { lanes: 256, splits: 1, vec4: false, whole: true },
};

/** The definition, element by element, with the targets as probabilities or class indices. */
function definition(options: CrossEntropyOptions) {
  const { axis: a = -1, labelSmoothing: e = 0, reduction = 'mean', ignoreIndex = -100 } = options;
  return (x: Nd, target: Nd): Nd => {
    const axis = a < 0 ? a + x.shape.length : a;
    const classes = x.shape[axis] as number;
    const shape = x.shape.filter((_, i) => i !== axis);
    const indices = target.shape.length < x.shape.length;
    let count = 0;
    const losses = Array.from({ length: sizeOf(shape) }, (_, r) => {
      const at = coordinates(r, shape);
      const place = (j: number) => placeOf([...at.slice(0, axis), j, ...at.slice(axis)], x.shape);
      const row = Array.from({ length: classes }, (_, j) => x.data[place(j)] as number);
      if (indices && target.data[r] === ignoreIndex) return 0;
      count++;
      const m = Math.max(...row);
      const lse = m + Math.log(row.reduce((s, v) => s + Math.exp(v - m), 0));
      return row.reduce((total, v, j) => {
        const hot = indices ? (target.data[r] === j ? 1 : 0) : (target.data[place(j)] as number);
        return total - ((1 - e) * hot + e / classes) * (v - lse);
      }, 0);
    });
    if (reduction === 'none') return nd(shape, losses);
    const total = losses.reduce((s, v) => s + v, 0);
    return nd([], [reduction === 'sum' ? total : total / Math.max(count, 1)]);
  };
}

/** Class indices, every fourth of them ignored where `ignored` is given. */
function indices(shape: Shape, classes: number, dtype: 'i32' | 'u32' = 'i32', ignored?: number): Input {
  const random = testRandom(9);
  return {
    shape,
    dtype,
    data: Array.from({ length: sizeOf(shape) }, (_, i) =>
      ignored !== undefined && i % 4 === 1 ? ignored : Math.floor(random() * classes),
    ),
  };
}

/** Rows of probabilities along the last axis. */
function probabilities(shape: Shape): Input {
  const random = testRandom(10);
  const n = shape.at(-1) as number;
  const raw = Array.from({ length: sizeOf(shape) }, () => random() + 0.1);
  return { shape, data: raw.map((v, i) => v / raw.slice(i - (i % n), i - (i % n) + n).reduce((a, b) => a + b, 0)) };
}

const logits = (shape: Shape): Input => ({ shape, range: [-3, 3] });
const reductions = ['mean', 'sum', 'none'] as const;

describe.each(reductions)('reduction %s', (reduction) => {
  test.each<[Shape, number]>([
    [[1, 1], -1],
    [[5], -1],
    [[4, 7], -1],
    [[7, 4], 0],
    [[2, 3, 5], -1],
    [[2, 5, 3], 1],
    [[2, 4, 2, 3], 1],
    [[63, 3], -1],
    [[64, 3], -1],
    [[65, 3], -1],
    [[3, 9, 1], 1],
  ])('class indices, logits %j, axis %i', async (shape, axis) => {
    const a = axis < 0 ? axis + shape.length : axis;
    const target = indices(
      shape.filter((_, i) => i !== a),
      shape[a] as number,
      shape.length > 2 ? 'u32' : 'i32',
    );
    const options = { reduction, axis };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, options), definition(options), [logits(shape), target]);
  });

  test.each([0, 0.1, 1])('labelSmoothing %d with ignored rows', async (labelSmoothing) => {
    const options = { reduction, labelSmoothing, ignoreIndex: 3 };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, options), definition(options), [
      logits([9, 7]),
      indices([9], 3, 'i32', 3),
    ]);
    const usual = { reduction, labelSmoothing };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, usual), definition(usual), [
      logits([9, 7]),
      indices([9], 7, 'i32', -100),
    ]);
  });

  test.each([0, 0.3])('probabilities, with their gradient, labelSmoothing %d', async (labelSmoothing) => {
    const options = { reduction, labelSmoothing };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, options), definition(options), [
      logits([6, 5]),
      probabilities([6, 5]),
    ]);
    await checkOp(gpu, (x, t) => crossEntropy(x, t, { ...options, axis: 1 }), definition({ ...options, axis: 1 }), [
      logits([2, 5, 3]),
      probabilities([2, 5, 3]),
    ]);
  });

  test.each(Object.entries(plans))('plan: %s', async (_, plan) => {
    const options = { reduction, labelSmoothing: 0.2, plan };
    const shapes = [[3, 21], [1, 300], ...(plan.lanes <= 4 ? ([[70, 4]] as const) : [])] as const;
    for (const shape of shapes) {
      const target = indices([shape[0]], shape[1], 'i32', -100);
      const settings = { gradient: sizeOf(shape) < 100 };
      await checkOp(gpu, (x, t) => crossEntropy(x, t, options), definition(options), [logits(shape), target], settings);
      await checkOp(
        gpu,
        (x, t) => crossEntropy(x, t, { reduction, plan }),
        definition({ reduction }),
        [logits(shape), target],
        settings,
      );
      await checkOp(
        gpu,
        (x, t) => crossEntropy(x, t, { reduction, plan }),
        definition({ reduction }),
        [logits(shape), probabilities(shape)],
        settings,
      );
    }
    const across = { reduction, axis: 0, plan };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, across), definition(across), [logits([13, 5]), indices([5], 13)]);
  });

  test('its gradient has a gradient', async () => {
    const options = { reduction, labelSmoothing: 0.2 };
    const target = { ...indices([3], 4, 'i32', -100), grad: false };
    await checkHessian(
      gpu,
      (x, t) => crossEntropy(x, t as typeof x, options),
      definition(options) as (...n: Nd[]) => Nd,
      [{ shape: [3, 4] }, target],
    );
    await checkHessian(
      gpu,
      (x, t) => crossEntropy(x, t as typeof x, options),
      definition(options) as (...n: Nd[]) => Nd,
      [{ shape: [2, 3] }, probabilities([2, 3])],
    );
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const half: Input = { shape: [5, 7], range: [-3, 3], dtype: 'f16' };
    await checkOp(gpu, (x, t) => crossEntropy(x, t, { reduction }), definition({ reduction }), [half, indices([5], 7)]);
    await checkOp(gpu, (x, t) => crossEntropy(x, t, { reduction }), definition({ reduction }), [
      half,
      { ...probabilities([5, 7]), dtype: 'f16' },
    ]);
  });
});

test('many rows, many classes', async () => {
  const [rows, classes] = [3000, 11];
  const data = Array.from({ length: rows * classes }, (_, i) => Math.fround(3 * Math.sin(i * 1.7)));
  const target = Array.from({ length: rows }, (_, r) => (r * 7) % classes);
  const want = definition({})(nd([rows, classes], data), nd([rows], target)).data[0] as number;
  expect(
    Math.abs(
      (await crossEntropy(gpu.tensor(data, [rows, classes]), gpu.tensor(Int32Array.from(target))).item()) / want - 1,
    ),
  ).toBeLessThan(2e-6);
  const wide = Array.from({ length: 2 * 50_000 }, (_, i) => Math.fround(5 * Math.sin(i * i)));
  const expected = definition({})(nd([2, 50_000], wide), nd([2], [17, 49_999])).data[0] as number;
  expect(
    Math.abs(
      (await crossEntropy(gpu.tensor(wide, [2, 50_000]), gpu.tensor(Int32Array.of(17, 49_999))).item()) / expected - 1,
    ),
  ).toBeLessThan(2e-6);
});

describe('edges', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const run = (rows: number[][], target: number[], options: CrossEntropyOptions = {}) => {
    const x = gpu.tensor(rows);
    const { value, grads } = valueAndGrad(() => {
      const losses = crossEntropy(x, gpu.tensor(Int32Array.from(target)), options);
      return options.reduction === 'none' ? sum(losses) : losses;
    }, x);
    return Promise.all([value.item(), grads.array() as Promise<number[][]>]);
  };

  test.each(Object.entries(plans))('all rows ignored: 0 and zero gradients (%s)', async (_, plan) => {
    expect(
      await run(
        [
          [1, 2],
          [nan, inf],
        ],
        [-100, -100],
        { plan },
      ),
    ).toEqual([
      0,
      [
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  test.each(Object.entries(plans))(
    'an index out of range: NaN as loss and as gradient of its row (%s)',
    async (_, plan) => {
      for (const wrong of [2, -1, 1_000_000, -(2 ** 31)]) {
        const [loss, dx] = await run(
          [
            [1, 1],
            [1, 1],
          ],
          [0, wrong],
          { plan },
        );
        expect(loss).toBe(nan);
        expect(dx[1]).toEqual([nan, nan]);
        expect(dx[0]?.every(Number.isFinite)).toBe(true);
      }
    },
  );

  test('a masked class costs inf, a masked row too, without NaN in the gradients', async () => {
    expect(
      await run(
        [
          [-inf, 0],
          [0, 0],
        ],
        [0, 1],
        { reduction: 'sum' },
      ),
    ).toEqual([
      inf,
      [
        [-1, 1],
        [0.5, -0.5],
      ],
    ]);
    expect(
      await run(
        [
          [-inf, 0],
          [0, 0],
        ],
        [1, 1],
        { reduction: 'sum' },
      ),
    ).toEqual([
      Math.fround(Math.log(2)),
      [
        [0, 0],
        [0.5, -0.5],
      ],
    ]);
    const [loss, dx] = await run(
      [
        [-inf, -inf],
        [0, 0],
      ],
      [0, 1],
    );
    expect(loss).toBe(inf);
    expect(dx).toEqual([
      [0, 0],
      [0.25, -0.25],
    ]);
  });

  test('logits of any magnitude', async () => {
    const [loss, dx] = await run(
      [
        [1e4, 1e4],
        [3e38, -3e38],
      ],
      [0, 0],
      { reduction: 'sum' },
    );
    expect(loss).toBeCloseTo(Math.log(2), 6);
    expect(dx).toEqual([
      [-0.5, 0.5],
      [0, 0],
    ]);
  });

  test('probability 0 at a masked class costs nothing', async () => {
    const x = gpu.tensor([[-inf, 0, 0]]);
    expect(await crossEntropy(x, gpu.tensor([[0, 0.5, 0.5]])).item()).toBeCloseTo(Math.log(2), 6);
  });

  test('no rows', async () => {
    const x = gpu.empty([0, 3]);
    const { value, grads } = valueAndGrad(() => crossEntropy(x, gpu.empty([0], 'i32')), x);
    expect(await value.item()).toBe(0);
    expect(grads.shape).toEqual([0, 3]);
    expect(crossEntropy(x, gpu.empty([0], 'i32'), { reduction: 'none' }).shape).toEqual([0]);
  });

  test('same bits every time', async () => {
    const x = gpu.tensor(
      Float32Array.from({ length: 500 * 9 }, (_, i) => Math.sin(i)),
      [500, 9],
    );
    const target = gpu.tensor(Int32Array.from({ length: 500 }, (_, i) => i % 9));
    const runs = await Promise.all([0, 1, 2].map(() => crossEntropy(x, target).data()));
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });
});

test('at most two dispatches forward and one backward', async () => {
  const bare = await Gpu.create();
  const x = bare.zeros([48, 29]);
  const target = bare.zeros([48], 'i32');
  bare.resetCounters();
  crossEntropy(x, target, { plan: { lanes: 1, splits: 1, vec4: false, whole: true } });
  expect(bare.counters().dispatches).toBe(1);
  bare.resetCounters();
  crossEntropy(x, target);
  expect(bare.counters().dispatches).toBeLessThanOrEqual(2);
  bare.resetCounters();
  vjp(() => crossEntropy(x, target, { reduction: 'none' }), [x], [bare.zeros([48])]);
  expect(bare.counters().dispatches).toBe(3); // and one that makes the zeros
  bare.destroy();
});

test('errors', () => {
  const x = gpu.empty([4, 7]);
  const t = gpu.empty([4], 'i32');
  expect(() => crossEntropy(x, gpu.empty([7], 'i32'))).toThrow(
    'crossEntropy: target must have shape [4], got i32[7] (logits: f32[4, 7])',
  );
  expect(() => crossEntropy(x, gpu.empty([4]))).toThrow(
    'crossEntropy: target must have shape [4, 7], got f32[4] (logits: f32[4, 7])',
  );
  expect(() => crossEntropy(x, gpu.empty([4], 'bool'))).toThrow(
    'crossEntropy: target must be i32 or u32 class indices, or probabilities, got bool[4]',
  );
  expect(() => crossEntropy(gpu.empty([4, 7], 'i32'), t)).toThrow(
    'crossEntropy: logits must be f32 or f16, got i32[4, 7]',
  );
  expect(() => crossEntropy(gpu.empty([]), t)).toThrow('crossEntropy: logits must have an axis of classes, got f32[]');
  expect(() => crossEntropy(gpu.empty([4, 0]), t)).toThrow(
    'crossEntropy: logits must have at least one class, got f32[4, 0]',
  );
  expect(() => crossEntropy(x, t, { axis: 2 })).toThrow('crossEntropy: axis must be in [-2, 2), got 2 (x: f32[4, 7])');
  expect(() => crossEntropy(x, t, { labelSmoothing: 1.5 })).toThrow(
    'crossEntropy: labelSmoothing must be in [0, 1], got 1.5',
  );
  expect(() => crossEntropy(x, t, { labelSmoothing: Number.NaN })).toThrow(
    'crossEntropy: labelSmoothing must be in [0, 1], got NaN',
  );
  expect(() => crossEntropy(x, t, { ignoreIndex: 0.5 })).toThrow(
    'crossEntropy: ignoreIndex must be a whole number below 2^31, got 0.5',
  );
  expect(() => crossEntropy(x, x, { ignoreIndex: 1 })).toThrow(
    'crossEntropy: ignoreIndex is for class indices, target is f32[4, 7]',
  );
  expect(() => crossEntropy(x, t, { reduction: 'max' as 'sum' })).toThrow(
    "crossEntropy: reduction must be 'mean', 'sum' or 'none', got 'max'",
  );
});

test('a weighted use of the losses', async () => {
  const x = gpu.tensor([
    [0.5, -1, 2],
    [1, 0, 0],
  ]);
  const weights = gpu.tensor([2, -1]);
  const dx = grad(() => sum(mul(crossEntropy(x, gpu.tensor(Int32Array.of(2, 0)), { reduction: 'none' }), weights)), x);
  const softmax = (row: number[]) => row.map((v) => Math.exp(v) / row.reduce((s, u) => s + Math.exp(u), 0));
  const want = [
    softmax([0.5, -1, 2]).map((p, j) => 2 * (p - (j === 2 ? 1 : 0))),
    softmax([1, 0, 0]).map((p, j) => -(p - (j === 0 ? 1 : 0))),
  ].flat();
  (await dx.data()).forEach((v, i) => {
    expect(v).toBeCloseTo(want[i] as number, 5);
  });
});
