import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../../src/host.ts';
import { mul } from '../../../src/ops/binary.ts';
import { type BatchNormOptions, batchNorm } from '../../../src/ops/norm/batch_norm.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { scope } from '../../../src/runtime/scope.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { type CheckOptions, checkOp, type Nd } from '../../../src/testing/check.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';
import { plans, quickPlans } from '../../helpers/row_plans.ts';

type Layout = 'nchw' | 'nhwc';
const channelAxis = (shape: Shape, layout: Layout) => (layout === 'nchw' ? 1 : shape.length - 1);

/** The mean and the variance of each channel, divided by n, and how many elements one has. */
function moments(x: Nd, layout: Layout): { mean: number[]; variance: number[]; count: number } {
  const axis = channelAxis(x.shape, layout);
  const [C, inner] = [x.shape[axis] as number, sizeOf(x.shape.slice(axis + 1))];
  const of = (c: number) => Array.from(x.data).filter((_, i) => Math.floor(i / inner) % C === c);
  const channels = Array.from({ length: C }, (_, c) => of(c));
  const average = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const mean = channels.map(average);
  return {
    mean,
    variance: channels.map((list, c) => average(list.map((v) => (v - (mean[c] as number)) ** 2))),
    count: channels[0]?.length ?? 0,
  };
}

/** The definition, with given statistics or those of x. */
function definition(
  layout: Layout,
  eps: number,
  x: Nd,
  { weight, bias, mean, variance }: { weight?: Nd; bias?: Nd; mean?: ArrayLike<number>; variance?: ArrayLike<number> },
): Nd {
  const axis = channelAxis(x.shape, layout);
  const [C, inner] = [x.shape[axis] as number, sizeOf(x.shape.slice(axis + 1))];
  const own = mean ? null : moments(x, layout);
  return {
    shape: x.shape,
    data: x.data.map((v, i) => {
      const c = Math.floor(i / inner) % C;
      const [m, s] = [(mean ?? own?.mean)?.[c] as number, (variance ?? own?.variance)?.[c] as number];
      return ((v - m) / Math.sqrt(s + eps)) * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0);
    }),
  };
}

type Given = 'both' | 'weight' | 'bias' | 'none';

function named<T>(given: Given, [a, b]: readonly T[]): { weight?: T; bias?: T } {
  const both = { weight: a as T, bias: b as T };
  return { both, weight: { weight: a as T }, bias: { bias: a as T }, none: {} }[given];
}
const COUNT = { both: 2, weight: 1, bias: 1, none: 0 } as const;

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

describe('running statistics', () => {
  /** Three batches, and what the running statistics become: the variance divided by n - 1. */
  async function run(shape: Shape, layout: Layout, momentum: number) {
    const C = shape[channelAxis(shape, layout)] as number;
    const [runningMean, runningVar] = [gpu.zeros([C]), gpu.tensor(new Float32Array(C).fill(1))];
    const want = { mean: Array<number>(C).fill(0), variance: Array<number>(C).fill(1) };
    for (const step of [1, 2, 3]) {
      const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(step + Math.sin(step * i * i)));
      batchNorm(gpu.tensor(Array.from(data), shape), { runningMean, runningVar, training: true, momentum, layout });
      const { mean, variance, count } = moments({ shape, data }, layout);
      for (let c = 0; c < C; c++) {
        const mix = (old: number, fresh: number) => (1 - momentum) * old + momentum * fresh;
        want.mean[c] = mix(want.mean[c] as number, mean[c] as number);
        want.variance[c] = mix(want.variance[c] as number, ((variance[c] as number) * count) / (count - 1));
      }
    }
    const [mean, variance] = [await runningMean.data(), await runningVar.data()];
    mean.forEach((v, c) => {
      expect(v).toBeCloseTo(want.mean[c] as number, 5);
    });
    variance.forEach((v, c) => {
      expect(v).toBeCloseTo(want.variance[c] as number, 5);
    });
  }
  test.each<[Shape, Layout, number]>([
    [[3, 2], 'nchw', 0.1],
    [[2, 3, 5], 'nchw', 0.1],
    [[2, 3, 4], 'nhwc', 0.25],
    [[2, 70, 4], 'nchw', 1],
    [[2, 3, 4], 'nchw', 0],
  ])('%j, %s, momentum %d', run);

  test('are left alone by an empty batch and without training', async () => {
    const [runningMean, runningVar] = [gpu.tensor([1, 2]), gpu.tensor([3, 4])];
    batchNorm(gpu.empty([0, 2, 3]), { runningMean, runningVar, training: true });
    batchNorm(gpu.zeros([4, 2, 3]), { runningMean, runningVar });
    expect(Array.from(await runningMean.data())).toEqual([1, 2]);
    expect(Array.from(await runningVar.data())).toEqual([3, 4]);
  });

  test('are updated once where a gradient of a gradient runs the definition again', async () => {
    const [runningMean, runningVar, x] = [gpu.zeros([2]), gpu.zeros([2]), gpu.tensor([1, 2, 3, 5], [2, 2])];
    const loss = () => sum(mul(x, batchNorm(x, { runningMean, runningVar, training: true, momentum: 0.5 })));
    grad(() => sum(grad(loss, x)), x);
    expect(Array.from(await runningMean.data())).toEqual([1, 1.75]);
    expect(Array.from(await runningVar.data())).toEqual([1, 2.25]);
  });
});

test('three dispatches forward and back in training, two without; one submit, nothing new once settled', () =>
  bare(async (device) => {
    const [x, w, b] = [device.zeros([4, 3, 8]), device.zeros([3]), device.zeros([3])];
    const [runningMean, runningVar] = [device.zeros([3]), device.zeros([3])];
    const step = (training: boolean) =>
      scope(() => {
        const options = { weight: w, bias: b, runningMean, runningVar, training };
        const { grads } = vjp(() => batchNorm(x, options), [x, w, b], [x]);
        return grads[1] as Tensor;
      });
    const run = async (training: boolean) => {
      using g = step(training);
      await g.data();
    };
    for (const training of [true, false]) {
      for (let i = 0; i < 3; i++) await run(training);
      device.resetCounters();
      for (let i = 0; i < 4; i++) await run(training);
      expect(device.counters()).toMatchObject({
        dispatches: 4 * (training ? 6 : 5),
        submits: 4,
        buffers: 0,
        bindGroups: 0,
        pipelines: 0,
      });
    }
  }));

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

test.each<[Shape]>([[[0, 4, 3]], [[2, 4, 0]], [[2, 0, 3]], [[0, 2]]])('nothing: %j', async (shape) => {
  const C = shape[1] as number;
  for (const training of [true, false]) {
    const [x, w, b] = [gpu.empty(shape), gpu.empty([C]), gpu.empty([C])];
    const options = { weight: w, bias: b, training, runningMean: gpu.zeros([C]), runningVar: gpu.zeros([C]) };
    const { outputs, grads } = vjp(() => batchNorm(x, options), [x, w, b], [x]);
    expect(outputs[0]?.shape).toEqual(shape);
    expect(grads[0]?.shape).toEqual(shape);
    for (const g of grads.slice(1)) expect(Array.from((await g?.data()) ?? [])).toEqual(Array(C).fill(0));
  }
});

test('its gradient has a gradient', async () => {
  const x = { shape: [2, 2, 3], data: [0.5, -1, 2, 0.25, 1, 0.5, -2, -0.5, 1.5, 0.75, -0.25, 0.1] };
  for (const given of ['both', 'bias', 'none'] as const)
    await checkHessian(
      gpu,
      (x, ...rest) => batchNorm(x as Tensor, { ...named(given, rest), training: true }),
      (x, ...rest) => definition('nchw', 1e-5, x as Nd, named(given, rest)),
      [x, { shape: [2] }, { shape: [2] }].slice(0, 1 + COUNT[given]),
    );
  const statistics = [
    { shape: [2], data: [0.1, -0.2], grad: false },
    { shape: [2], data: [0.5, 2] },
  ];
  await checkHessian(
    gpu,
    (x, mean, variance, weight, bias) =>
      batchNorm(x as Tensor, {
        runningMean: mean as Tensor,
        runningVar: variance as Tensor,
        weight: weight as Tensor,
        bias: bias as Tensor,
      }),
    (x, mean, variance, weight, bias) =>
      definition('nchw', 1e-5, x as Nd, {
        weight: weight as Nd,
        bias: bias as Nd,
        mean: (mean as Nd).data,
        variance: (variance as Nd).data,
      }),
    [x, ...statistics, { shape: [2] }, { shape: [2] }],
  );
});

describe('errors', () => {
  const x = gpu.empty([2, 3, 4]);
  const three = gpu.zeros([3]);
  const given = 'runningMean and runningVar must both be given';
  test.each<[string, () => unknown]>([
    ['batchNorm: x must be [N, C, ...] of rank 2 or more, got f32[6]', () => batchNorm(gpu.empty([6]))],
    [
      'batchNorm: x must be [N, ..., C] of rank 2 or more, got f32[6]',
      () => batchNorm(gpu.empty([6]), { layout: 'nhwc' }),
    ],
    ["batchNorm: layout must be 'nchw' or 'nhwc', got 'x'", () => batchNorm(x, { layout: 'x' as 'nchw' })],
    ['batchNorm: x must be f32 or f16, got i32[2, 2]', () => batchNorm(gpu.empty([2, 2], 'i32'))],
    ['batchNorm: weight must have shape [3], got f32[4]', () => batchNorm(x, { weight: gpu.empty([4]) })],
    [
      'batchNorm: x and bias must have the same dtype, got f32[2, 3, 4] and i32[3]',
      () => batchNorm(x, { bias: gpu.empty([3], 'i32') }),
    ],
    [`batchNorm: ${given} unless training is true, got neither`, () => batchNorm(x)],
    [`batchNorm: ${given}, or neither, got one`, () => batchNorm(x, { runningMean: three, training: true })],
    [
      'batchNorm: runningVar must be f32, got i32[3]',
      () => batchNorm(x, { runningMean: three, runningVar: gpu.empty([3], 'i32') }),
    ],
    [
      'batchNorm: runningMean must have shape [3], got f32[2]',
      () => batchNorm(x, { runningMean: gpu.empty([2]), runningVar: three }),
    ],
    [
      'batchNorm: runningMean and runningVar must not share memory',
      () => batchNorm(x, { runningMean: three, runningVar: three }),
    ],
    ['batchNorm: eps must be at least 0, got -1', () => batchNorm(x, { training: true, eps: -1 })],
    ['batchNorm: momentum must be in [0, 1], got 2', () => batchNorm(x, { training: true, momentum: 2 })],
    [
      'batchNorm: x must have more than one value a channel in training, got f32[1, 3, 1]',
      () => batchNorm(gpu.empty([1, 3, 1]), { training: true }),
    ],
  ])('%s', (message, call) => expect(call).toThrow(message));
});
