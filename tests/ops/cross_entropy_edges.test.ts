import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { mul } from '../../src/ops/binary.ts';
import { type CrossEntropyOptions, crossEntropy } from '../../src/ops/cross_entropy.ts';
import { sum } from '../../src/ops/reduce.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { gpu } from '../helpers/gpu.ts';

const plans: Record<string, NonNullable<CrossEntropyOptions['plan']>> = {
  'one invocation a row': { lanes: 1, splits: 1, vec4: false },
  'four lanes, in one dispatch': { lanes: 4, splits: 1, vec4: false, whole: true },
};

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
