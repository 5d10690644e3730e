import { describe, expect, test } from 'vitest';
import { vjp } from '../../../src/autograd/tape.ts';
import type { Shape } from '../../../src/host.ts';
import { type BatchNormOptions, batchNorm } from '../../../src/ops/norm/batch_norm.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { type CheckOptions, checkOp, type Nd } from '../../../src/testing/check.ts';
import { COUNT, channelAxis, definition, type Given, type Layout, moments, named } from '../../helpers/batch_norm.ts';
import { gpu } from '../../helpers/gpu.ts';
import { plans, quickPlans } from '../../helpers/row_plans.ts';

interface Case extends BatchNormOptions {
  readonly given?: Given;
  readonly dtype?: 'f32' | 'f16';
}

/** In training, unless running statistics are given. */
async function checkNorm(shape: Shape, { given = 'both', dtype = 'f32', ...options }: Case, settings?: CheckOptions) {
  const { layout = 'nchw', eps = 1e-5 } = options;
  const C = shape[channelAxis(shape, layout)] as number;
  await checkOp(
    gpu,
    (x, ...rest) => batchNorm(x as Tensor, { training: true, ...named(given, rest), ...options }),
    (x, ...rest) => definition(layout, eps, x as Nd, named(given, rest)),
    [{ shape, range: [-2, 2], dtype }, ...Array.from({ length: COUNT[given] }, () => ({ shape: [C], dtype }))],
    settings,
  );
}

describe.each<Given>(['both', 'weight', 'bias', 'none'])('weight and bias: %s', (given) => {
  test.each<[Shape, Layout]>([
    [[6, 3], 'nchw'],
    [[2, 1], 'nchw'],
    [[4, 5, 1], 'nchw'],
    [[3, 2, 5], 'nchw'],
    [[3, 2, 4], 'nchw'],
    [[1, 3, 2, 2], 'nchw'],
    [[2, 3, 2, 3, 2], 'nchw'],
    [[5, 4], 'nhwc'],
    [[2, 3, 2, 5], 'nhwc'],
  ])('%j, %s', (shape, layout) => checkNorm(shape, { given, layout }));

  test.each<[Shape, Layout]>([
    [[3, 2, 4], 'nchw'],
    [[3, 5], 'nchw'],
    [[1, 2], 'nchw'],
    [[2, 3, 4], 'nhwc'],
  ])('by running statistics, which have gradients too: %j, %s', async (shape, layout) => {
    const C = shape[channelAxis(shape, layout)] as number;
    const affine = Array.from({ length: COUNT[given] }, () => ({ shape: [C] }));
    for (const frozen of [true, false])
      await checkOp(
        gpu,
        (x, mean, variance, ...rest) => {
          const running = { runningMean: mean as Tensor, runningVar: variance as Tensor };
          return batchNorm(x as Tensor, { ...named(given, rest), ...running, layout });
        },
        (x, mean, variance, ...rest) => {
          const running = { mean: (mean as Nd).data, variance: (variance as Nd).data };
          return definition(layout, 1e-5, x as Nd, { ...named(given, rest), ...running });
        },
        [{ shape }, { shape: [C], grad: !frozen }, { shape: [C], range: [0.5, 2], grad: !frozen }, ...affine],
      );
  });

  test('another eps', () => checkNorm([3, 2, 3], { given, eps: 0.1 }));
});

describe.each(Object.entries(plans))('plan: %s', (_, plan) => {
  test('with gradients', async () => {
    for (const shape of [
      [4, 3, 12],
      [7, 2, 3],
      [2, 5, 8],
    ])
      await checkNorm(shape, { plan });
    await checkNorm([30, 3], { plan });
    await checkNorm([3, 7, 5], { plan, layout: 'nhwc' });
  });

  test('sizes around tiles', async () => {
    for (const [N, inner] of [
      [1, 257],
      [2, 64],
      [65, 1],
      [257, 4],
      [130, 3],
      [3, 260],
    ] as const)
      await checkNorm([N, 2, inner], { plan }, { gradient: false });
    await checkNorm([5, 65], { plan }, { gradient: false });
    await checkNorm([3, 300], { plan }, { gradient: false });
  });

  test('a large mean does not swallow the variance', async () => {
    const data = Float32Array.from({ length: 384 }, (_, i) => 10_000 + (i % 8));
    for (const shape of [
      [4, 2, 48],
      [16, 3, 8],
      [192, 2],
    ]) {
      const want = definition('nchw', 1e-5, { shape, data: Float64Array.from(data) }, {}).data;
      const y = await batchNorm(gpu.tensor(data, shape), { training: true, plan }).data();
      // The means of chunks are rounded to half a thousandth, which moves the variance by a hundred thousandth.
      expect(Math.max(...y.map((v, i) => Math.abs(v - (want[i] as number))))).toBeLessThan(5e-5);
    }
  });

  test('the mean of a long channel is exact to the last place', async () => {
    const data = Float32Array.from({ length: 4000 }, (_, i) => 1000 + Math.sin(i));
    for (const shape of [
      [5, 2, 400],
      [2000, 2],
    ]) {
      const want = definition('nchw', 1e-5, { shape, data: Float64Array.from(data) }, {}).data;
      const y = await batchNorm(gpu.tensor(data, shape), { training: true, plan }).data();
      // Half a unit in the last place of the mean is 3e-5, over a deviation of 0.7.
      expect(Math.max(...y.map((v, i) => Math.abs(v - (want[i] as number))))).toBeLessThan(6e-5);
    }
  });
});

test('a first mean that rounding has moved far is corrected, and the variance about it', async () => {
  // Sums beyond 2^27 are multiples of 16: of the ones most are lost.
  const data = Float32Array.from({ length: 16_384 }, (_, i) => 10_000 + (i % 2));
  for (const vec4 of [false, true]) {
    const plan = { lanes: 1, splits: 1, vec4 };
    const y = await batchNorm(gpu.tensor(data, [2, 1, 8192]), { training: true, plan }).data();
    expect(Math.max(...y.map((v, i) => Math.abs(Math.abs(v) - 1) + (v > 0 === i % 2 > 0 ? 0 : 1)))).toBeLessThan(1e-3);
  }
});

test('gradients of long channels', async () => {
  // dx = weight r (dy - mean(dy) - h mean(dy h)), in f64: central differences would take minutes.
  const [N, C, inner] = [20, 2, 60];
  const fill = (f: (i: number) => number) => Float32Array.from({ length: N * C * inner }, (_, i) => f(i));
  const [data, dy, w] = [fill((i) => Math.sin(i * i)), fill((i) => Math.cos(3 * i)), [0.5, -2]];
  const x: Nd = { shape: [N, C, inner], data: Float64Array.from(data) };
  const { variance } = moments(x, 'nchw');
  const h = definition('nchw', 1e-5, x, {}).data;
  const channel = (i: number) => Math.floor(i / inner) % C;
  const sums = [0, 1].map((c) => {
    const own = Array.from(dy, (g, i) => (channel(i) === c ? [g * (h[i] as number), g] : [0, 0]));
    return [0, 1].map((k) => own.reduce((a, b) => a + (b[k] as number), 0)) as [number, number];
  });
  const n = N * inner;
  for (const plan of Object.values(plans)) {
    const inputs = [gpu.tensor(data, x.shape), gpu.tensor(w), gpu.zeros([C])] as const;
    const { grads } = vjp(
      () => batchNorm(inputs[0], { weight: inputs[1], bias: inputs[2], training: true, plan }),
      inputs,
      [gpu.tensor(dy, x.shape)],
    );
    const [dx, dw, db] = await Promise.all(grads.map((g) => (g as Tensor).data()));
    dx?.forEach((v, i) => {
      const c = channel(i);
      const [cross, total] = sums[c] as [number, number];
      const r = 1 / Math.sqrt((variance[c] as number) + 1e-5);
      const want = (w[c] as number) * r * ((dy[i] as number) - total / n - ((h[i] as number) * cross) / n);
      expect(Math.abs(v - want)).toBeLessThan(2e-5);
    });
    sums.forEach(([cross, total], c) => {
      expect(Math.abs((dw?.[c] as number) - cross)).toBeLessThan(1e-3);
      expect(Math.abs((db?.[c] as number) - total)).toBeLessThan(1e-3);
    });
  }
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) return expect(() => gpu.empty([1], 'f16')).toThrow();
  for (const plan of quickPlans) {
    await checkNorm([4, 3, 8], { plan, dtype: 'f16' });
    await checkNorm([9, 5], { plan, dtype: 'f16' });
  }
});

test('the same bits every time', async () => {
  const data = Float32Array.from({ length: 2400 }, (_, i) => Math.sin(i));
  for (const plan of quickPlans) {
    const [x, w] = [gpu.tensor(data, [10, 4, 60]), gpu.tensor([1, 2, 3, 4])];
    const run = () => vjp(() => batchNorm(x, { weight: w, training: true, plan }), [x, w], [x]);
    const [first, second] = [run(), run()];
    expect(await second.outputs[0]?.data()).toEqual(await first.outputs[0]?.data());
    for (const i of [0, 1]) expect(await second.grads[i]?.data()).toEqual(await first.grads[i]?.data());
  }
});
