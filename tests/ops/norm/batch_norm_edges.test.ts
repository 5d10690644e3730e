import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../../src/host.ts';
import { mul } from '../../../src/ops/binary.ts';
import { batchNorm } from '../../../src/ops/norm/batch_norm.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { scope } from '../../../src/runtime/scope.ts';
import type { Tensor } from '../../../src/tensor.ts';
import type { Nd } from '../../../src/testing/check.ts';
import { bare } from '../../helpers/bare.ts';
import { COUNT, channelAxis, definition, type Layout, moments, named } from '../../helpers/batch_norm.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';

describe('running statistics', () => {
  /** Three batches, and what the running statistics become: the variance divided by n - 1. Null: the mean over all. */
  async function run(shape: Shape, layout: Layout, momentum: number | null) {
    const C = shape[channelAxis(shape, layout)] as number;
    const [runningMean, runningVar] = [gpu.zeros([C]), gpu.tensor(new Float32Array(C).fill(1))];
    const want = { mean: Array<number>(C).fill(0), variance: Array<number>(C).fill(1) };
    for (const step of [1, 2, 3]) {
      const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(step + Math.sin(step * i * i)));
      const mixing = momentum === null ? { batches: gpu.tensor([step - 1], [], { dtype: 'u32' }) } : { momentum };
      batchNorm(gpu.tensor(Array.from(data), shape), { runningMean, runningVar, training: true, ...mixing, layout });
      const { mean, variance, count } = moments({ shape, data }, layout);
      for (let c = 0; c < C; c++) {
        const part = momentum ?? 1 / step;
        const mix = (old: number, fresh: number) => (1 - part) * old + part * fresh;
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
  test.each<[Shape, Layout, number | null]>([
    [[3, 2], 'nchw', 0.1],
    [[2, 3, 5], 'nchw', 0.1],
    [[2, 3, 4], 'nhwc', 0.25],
    [[2, 70, 4], 'nchw', 1],
    [[2, 3, 4], 'nchw', 0],
    [[2, 3, 4], 'nchw', null],
  ])('%j, %s, momentum %j', run);

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
    ['batchNorm: batches must be u32, got f32[3]', () => batchNorm(x, { training: true, batches: three })],
    [
      'batchNorm: batches must be one number, got u32[2]',
      () => batchNorm(x, { training: true, batches: gpu.zeros([2], 'u32') }),
    ],
    ['batchNorm: momentum must be in [0, 1], got 2', () => batchNorm(x, { training: true, momentum: 2 })],
    [
      'batchNorm: x must have more than one value a channel in training, got f32[1, 3, 1]',
      () => batchNorm(gpu.empty([1, 3, 1]), { training: true }),
    ],
  ])('%s', (message, call) => expect(call).toThrow(message));
});
