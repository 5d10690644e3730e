import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import { type CrossEntropyOptions, crossEntropy } from '../../src/ops/cross_entropy.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { definition, indices, probabilities } from '../helpers/cross_entropy.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';

/** Weights of classes, that of the second 0. */
function weights(classes: number, dtype: 'f32' | 'f16' = 'f32'): Input {
  const random = testRandom(12);
  const data = Array.from({ length: classes }, (_, j) => (j === 1 ? 0 : random() * 2));
  return { shape: [classes], data, dtype };
}

const logits = (shape: Shape): Input => ({ shape, range: [-3, 3] });
const op = (options: CrossEntropyOptions) => (x: Tensor, t?: Tensor, weight?: Tensor) =>
  crossEntropy(x, t as Tensor, { ...options, weight: weight as Tensor });
const reference = (options: CrossEntropyOptions) => definition(options) as (...n: Nd[]) => Nd;

describe.each(['mean', 'sum', 'none'] as const)('reduction %s', (reduction) => {
  describe.each([0, 0.2, 1])('labelSmoothing %d', (labelSmoothing) => {
    const options = { reduction, labelSmoothing };
    test('class indices, some of them ignored', async () => {
      await checkOp(gpu, op(options), reference(options), [logits([9, 7]), indices([9], 7, 'i32', -100), weights(7)]);
      const axis = { ...options, axis: 1 };
      await checkOp(gpu, op(axis), reference(axis), [logits([2, 5, 3]), indices([2, 3], 5, 'u32'), weights(5)]);
    });

    test('probabilities, with their gradient', async () => {
      await checkOp(gpu, op(options), reference(options), [logits([6, 5]), probabilities([6, 5]), weights(5)]);
      const axis = { ...options, axis: 1 };
      await checkOp(gpu, op(axis), reference(axis), [logits([2, 5, 3]), probabilities([2, 5, 3]), weights(5)]);
    });
  });

  test('its gradient has a gradient', async () => {
    const options = { reduction, labelSmoothing: 0.2 };
    const target = { ...indices([3], 4, 'i32'), grad: false };
    await checkHessian(gpu, op(options), reference(options), [{ shape: [3, 4] }, target, weights(4)]);
    await checkHessian(gpu, op(options), reference(options), [{ shape: [2, 3] }, probabilities([2, 3]), weights(3)]);
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const half: Input = { shape: [5, 7], range: [-3, 3], dtype: 'f16' };
    await checkOp(gpu, op({ reduction }), reference({ reduction }), [half, indices([5], 7), weights(7, 'f16')]);
  });
});

test.each<NonNullable<CrossEntropyOptions['plan']>>([
  { lanes: 1, splits: 1, vec4: false, whole: true },
  { lanes: 4, splits: 1, vec4: false, whole: true },
  { lanes: 64, splits: 1, vec4: false },
])('plan: %j', async (plan) => {
  for (const labelSmoothing of [0, 0.2]) {
    const options = { labelSmoothing };
    const planned = { ...options, plan };
    await checkOp(gpu, op(planned), reference(options), [logits([4, 21]), indices([4], 21, 'i32', -100), weights(21)]);
    await checkOp(gpu, op(planned), reference(options), [logits([3, 21]), probabilities([3, 21]), weights(21)]);
  }
});

describe('as in PyTorch 1.13 (torch.nn.functional.cross_entropy in f64)', () => {
  const x = [
    [0.5, -1, 2, 0.25],
    [1, 0, 0, -0.5],
    [-2, 1, 0.5, 3],
  ];
  const soft = [
    [0.1, 0.2, 0.3, 0.4],
    [0.25, 0.25, 0.25, 0.25],
    [0.7, 0.1, 0.1, 0.1],
  ];
  test.each<[string, number[] | number[][], CrossEntropyOptions, number, number[]]>([
    [
      'indices',
      [0, 2, 1],
      {},
      2.13565856,
      [-0.16915303, 0.00688289, 0.13824651, 0.02402364, 0, 0, 0, 0, 0.00440332, -0.711557, 0.05364339, 0.65351029],
    ],
    [
      'indices, smoothed',
      [0, 2, 1],
      { labelSmoothing: 0.2 },
      2.21053964,
      [
        -0.13298364, -0.03174053, 0.16589581, -0.00117163, 0.03083947, -0.024976, 0.015024, -0.02088748, -0.00603701,
        -0.6004013, 0.04827905, 0.55815926,
      ],
    ],
    [
      'indices, smoothed, one ignored',
      [0, 3, 1],
      { labelSmoothing: 0.2, ignoreIndex: 3 },
      2.07174944,
      [-0.13298364, -0.03174053, 0.16589581, -0.00117163, 0, 0, 0, 0, -0.00603701, -0.6004013, 0.04827905, 0.55815926],
    ],
    [
      'indices, smoothed, summed',
      [0, 2, 1],
      { labelSmoothing: 0.2, reduction: 'sum' },
      5.5263491,
      [
        -0.3324591, -0.07935134, 0.41473952, -0.00292908, 0.07709869, -0.06243999, 0.03756001, -0.0522187, -0.01509254,
        -1.50100325, 0.12069763, 1.39539815,
      ],
    ],
    [
      'probabilities, smoothed',
      soft,
      { labelSmoothing: 0.2 },
      2.21546343,
      [
        0.03180141, -0.12806966, 0.23962728, -0.14335902, 0.12849781, -0.10406665, 0.06260001, -0.08703117, -0.10027228,
        -0.05865972, 0.01698707, 0.14194493,
      ],
    ],
  ])('%s', async (_, target, options, loss, slopes) => {
    const logits = gpu.tensor(x);
    const t = typeof target[0] === 'number' ? gpu.tensor(Int32Array.from(target as number[])) : gpu.tensor(target);
    const { value, grads } = valueAndGrad(
      () => crossEntropy(logits, t, { ...options, weight: gpu.tensor([0.5, 2, 0, 1.5]) }),
      logits,
    );
    expect(await value.item()).toBeCloseTo(loss, 6);
    (await grads.data()).forEach((v, i) => {
      expect(v).toBeCloseTo(slopes[i] as number, 6);
    });
  });
});

test('a mean over nothing but weights of 0, or a masked row, is 0 or inf without NaN in the gradients', async () => {
  const x = gpu.tensor([
    [1, 2],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ]);
  const run = async (target: number[], weight: number[]) => {
    const { value, grads } = valueAndGrad(
      () => crossEntropy(x, gpu.tensor(Int32Array.from(target)), { weight: gpu.tensor(weight) }),
      x,
    );
    return [await value.item(), await grads.array()];
  };
  const zeros = [
    [0, 0],
    [0, 0],
  ];
  expect(await run([1, -100], [1, 0])).toEqual([0, zeros]);
  // The masked row costs inf, and counts with its weight: the other's gradient is halved by it.
  const [loss, slopes] = await run([0, 1], [3, 3]);
  expect(loss).toBe(Number.POSITIVE_INFINITY);
  const p = 1 / (1 + Math.exp(-1));
  expect((slopes as number[][])[0]?.[1]).toBeCloseTo(p / 2, 6);
  expect((slopes as number[][])[1]).toEqual([0, 0]);
});

test('an index out of range: NaN as loss and as gradient of its row alone', async () => {
  const x = gpu.tensor([
    [1, 1],
    [1, 1],
  ]);
  const { value, grads } = valueAndGrad(
    () => crossEntropy(x, gpu.tensor(Int32Array.of(0, 2)), { weight: gpu.tensor([1, 2]) }),
    x,
  );
  expect(await value.item()).toBeNaN();
  const slopes = (await grads.array()) as number[][];
  expect(slopes[0]?.every(Number.isFinite)).toBe(true);
  expect(slopes[1]?.every(Number.isNaN)).toBe(true);
});

test('errors', () => {
  const x = gpu.empty([4, 7]);
  const t = gpu.empty([4], 'i32');
  expect(() => crossEntropy(x, t, { weight: gpu.empty([4]) })).toThrow(
    'crossEntropy: weight must have shape [7], got f32[4]',
  );
  expect(() => crossEntropy(x, t, { weight: gpu.empty([7], 'i32') })).toThrow(
    'crossEntropy: logits and weight must have the same dtype, got f32[4, 7] and i32[7]',
  );
});
