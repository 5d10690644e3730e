import { describe, expect, test } from 'vitest';
import type { Shape } from '../../src/host.ts';
import { type CrossEntropyOptions, crossEntropy } from '../../src/ops/cross_entropy.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { definition, indices, probabilities } from '../helpers/cross_entropy.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { nd } from '../helpers/nd.ts';

const plans: Record<string, NonNullable<CrossEntropyOptions['plan']>> = {
  'one invocation a row': { lanes: 1, splits: 1, vec4: false },
  'one, in one dispatch': { lanes: 1, splits: 1, vec4: false, whole: true },
  'four lanes, in one dispatch': { lanes: 4, splits: 1, vec4: false, whole: true },
  '64 lanes': { lanes: 64, splits: 1, vec4: false },
  'a workgroup, in one dispatch': { lanes: 256, splits: 1, vec4: false, whole: true },
};

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

test.each(Object.entries(plans))('plan: %s', async (_, plan) => {
  const check = (options: CrossEntropyOptions, shape: Shape, target: Input, gradient = true) =>
    checkOp(gpu, (x, t) => crossEntropy(x, t, { ...options, plan }), definition(options), [logits(shape), target], {
      gradient,
    });
  await check({}, [3, 21], indices([3], 21, 'i32', -100));
  await check({ labelSmoothing: 0.2 }, [3, 21], indices([3], 21));
  await check({}, [3, 21], probabilities([3, 21]));
  await check({ reduction: 'none', labelSmoothing: 0.2 }, [2, 300], indices([2], 300), false);
  await check({ reduction: 'none', axis: 0 }, [13, 5], indices([5], 13));
  // More rows than a workgroup takes.
  if (plan.lanes <= 4) await check({}, [70, 4], indices([70], 4, 'i32', -100), false);
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
