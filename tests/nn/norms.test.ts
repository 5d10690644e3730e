import { describe, expect, test } from 'vitest';
import { grad, noGrad, valueAndGrad } from '../../src/autograd/tape.ts';
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  Linear,
  Module,
  RMSNorm,
  Rng,
} from '../../src/nn/index.ts';
import { add, mul, sub } from '../../src/ops/binary.ts';
import { stack } from '../../src/ops/concat.ts';
import { batchNorm } from '../../src/ops/norm/batch_norm.ts';
import { groupNorm, instanceNorm } from '../../src/ops/norm/group_norm.ts';
import { rmsNorm } from '../../src/ops/norm/rms_norm.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { relu } from '../../src/ops/unary.ts';
import { Adam } from '../../src/optim/index.ts';
import type { Gpu } from '../../src/runtime/gpu.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bare } from '../helpers/bare.ts';
import { gpu } from '../helpers/gpu.ts';

const wave = (shape: readonly number[]): Tensor =>
  gpu.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i)),
    shape,
  );

const same = async (a: Tensor, b: Tensor) => expect(await a.data()).toEqual(await b.data());

test('RMSNorm', async () => {
  using layer = new RMSNorm(gpu, [2, 3]);
  expect(layer.stateDict()).toMatchObject({ weight: { shape: [2, 3] } });
  layer.loadStateDict({ weight: { shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) } });
  const x = wave([4, 2, 3]);
  await same(layer.forward(x), rmsNorm(x, { weight: layer.weight }));
  using bareLayer = new RMSNorm(gpu, 3, { affine: false, eps: 0.5 });
  expect(bareLayer.stateDict()).toEqual({});
  await same(bareLayer.forward(x), rmsNorm(x, { eps: 0.5 }));
});

test('GroupNorm', async () => {
  using layer = new GroupNorm(gpu, 2, 4, { eps: 0.1 });
  expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
  const x = wave([2, 4, 3]);
  await same(layer.forward(x), groupNorm(x, 2, { eps: 0.1 }));
  expect(new GroupNorm(gpu, 2, 4, { affine: false }).stateDict()).toEqual({});
  expect(() => new GroupNorm(gpu, 3, 4)).toThrow('GroupNorm: numGroups must divide numChannels, got 3 and 4');
  expect(() => layer.forward(wave([2, 6, 3]))).toThrow('GroupNorm: x must have shape [N, 4, ...], got f32[2, 6, 3]');
});

test.each([
  ['InstanceNorm1d', InstanceNorm1d, [2, 3, 5], 'W'],
  ['InstanceNorm2d', InstanceNorm2d, [2, 3, 2, 4], 'H, W'],
  ['InstanceNorm3d', InstanceNorm3d, [2, 3, 2, 2, 2], 'D, H, W'],
] as const)('%s', async (name, Layer, shape, axes) => {
  using layer = new Layer(gpu, 3);
  expect(layer.stateDict()).toEqual({});
  const x = wave(shape);
  await same(layer.forward(x), instanceNorm(x));
  using affine = new Layer(gpu, 3, { affine: true, eps: 0.1 });
  expect(Object.keys(affine.stateDict())).toEqual(['weight', 'bias']);
  await same(affine.forward(x), instanceNorm(x, { eps: 0.1 }));
  expect(() => layer.forward(wave([2, 3]))).toThrow(`${name}: x must have shape [N, 3, ${axes}], got f32[2, 3]`);
});

describe('batch normalisation', () => {
  test.each([
    ['BatchNorm1d', BatchNorm1d, [4, 3], '[N, 3] or [N, 3, W]'],
    ['BatchNorm1d', BatchNorm1d, [2, 3, 5], '[N, 3] or [N, 3, W]'],
    ['BatchNorm2d', BatchNorm2d, [2, 3, 2, 4], '[N, 3, H, W]'],
    ['BatchNorm3d', BatchNorm3d, [2, 3, 2, 2, 2], '[N, 3, D, H, W]'],
  ] as const)('%s of %j', async (name, Layer, shape, shapes) => {
    using layer = new Layer(gpu, 3);
    expect(layer.stateDict()).toMatchObject({
      weight: { shape: [3] },
      bias: { shape: [3] },
      running_mean: { shape: [3] },
      running_var: { shape: [3] },
      num_batches_tracked: { shape: [], dtype: 'u32' },
    });
    expect(Object.keys(layer.parameters())).toEqual(['weight', 'bias']);
    const x = wave(shape);
    await same(layer.forward(x), batchNorm(x, { training: true }));
    const [runningMean, runningVar] = [gpu.zeros([3]), gpu.tensor([1, 1, 1])];
    batchNorm(x, { runningMean, runningVar, training: true });
    await same(layer.running_mean as Tensor, runningMean);
    await same(layer.running_var as Tensor, runningVar);
    expect(await layer.num_batches_tracked?.item()).toBe(1);
    layer.eval();
    await same(layer.forward(x), batchNorm(x, { runningMean, runningVar }));
    await same(layer.running_mean as Tensor, runningMean);
    expect(await layer.num_batches_tracked?.item()).toBe(1);
    expect(() => layer.forward(wave([2, 4, 5]))).toThrow(`${name}: x must have shape ${shapes}, got f32[2, 4, 5]`);
  });

  test('without running statistics, affine or with another momentum', async () => {
    const x = wave([4, 3]);
    using layer = new BatchNorm1d(gpu, 3, { trackRunningStats: false, affine: false, eps: 0.1 });
    expect(layer.stateDict()).toEqual({});
    await same(layer.eval().forward(x), batchNorm(x, { training: true, eps: 0.1 }));
    using quick = new BatchNorm1d(gpu, 3, { momentum: 1 });
    quick.forward(x);
    const middle = mean(x, { axis: 0 });
    const got = await (quick.running_mean as Tensor).data();
    (await middle.data()).forEach((v, i) => {
      expect(got[i]).toBeCloseTo(v, 6);
    });
  });

  test('momentum null: the running statistics are the mean over all batches', async () => {
    using layer = new BatchNorm1d(gpu, 3, { momentum: null });
    const batches = [wave([4, 3]), mul(wave([4, 3]), 3), add(wave([4, 3]), 1)];
    for (const x of batches) layer.forward(x);
    const want = mean(stack(batches.map((x) => mean(x, { axis: 0 }))), { axis: 0 });
    const got = await (layer.running_mean as Tensor).data();
    (await want.data()).forEach((v, i) => {
      expect(got[i]).toBeCloseTo(v, 6);
    });
  });

  test('reads a state dict of PyTorch, whose count is I64, and its own', async () => {
    using layer = new BatchNorm1d(gpu, 2);
    layer.loadStateDict({
      weight: { shape: [2], data: new Float32Array([1, 2]) },
      bias: { shape: [2], data: new Float32Array([3, 4]) },
      running_mean: { shape: [2], data: new Float32Array([5, 6]) },
      running_var: { shape: [2], data: new Float32Array([7, 8]) },
      num_batches_tracked: { shape: [], data: new BigInt64Array([9n]) },
    });
    layer.forward(wave([3, 2]));
    using other = new BatchNorm1d(gpu, 2);
    other.loadStateDict(layer.stateDict());
    expect(await other.num_batches_tracked?.item()).toBe(10);
    await same(other.running_var as Tensor, layer.running_var as Tensor);
  });

  class Net extends Module {
    readonly first: Linear;
    readonly norm: BatchNorm1d;
    readonly second: Linear;

    constructor(device: Gpu, rng: Rng) {
      super();
      this.first = new Linear(device, 2, 16, { rng });
      this.norm = new BatchNorm1d(device, 16);
      this.second = new Linear(device, 16, 1, { rng });
    }

    forward(x: Tensor): Tensor {
      return this.second.forward(relu(this.norm.forward(this.first.forward(x))));
    }
  }

  test('a network with it learns, with one submit a step and nothing new once settled', () =>
    bare(async (device) => {
      using model = new Net(device, new Rng(7));
      using optimizer = new Adam(model.parameters(), { lr: 0.03 });
      const data = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * i));
      using x = device.tensor(data, [32, 2]);
      using target = device.tensor(
        Float32Array.from({ length: 32 }, (_, i) => (data[2 * i] as number) * (data[2 * i + 1] as number)),
        [32, 1],
      );
      const losses: number[] = [];
      for (let i = 0; i < 60; i++) {
        if (i === 10) device.resetCounters();
        using loss = scope(() => {
          const { value, grads } = valueAndGrad(() => {
            const e = sub(model.forward(x), target);
            return mean(mul(e, e));
          }, model.parameters());
          optimizer.step(grads);
          return value;
        });
        losses.push(await loss.item());
      }
      expect(device.counters()).toMatchObject({ submits: 50, buffers: 0, bindGroups: 0, pipelines: 0 });
      expect(losses.at(-1)).toBeLessThan(0.2 * (losses[0] as number));
      expect(await model.norm.num_batches_tracked?.item()).toBe(60);
    }));

  test('without a tape the statistics are kept too', async () => {
    using layer = new BatchNorm1d(gpu, 2);
    noGrad(() => layer.forward(wave([3, 2])));
    expect(await layer.num_batches_tracked?.item()).toBe(1);
    const [g] = grad(() => sum(layer.forward(wave([3, 2]))), [layer.weight as Tensor]);
    expect(g?.shape).toEqual([2]);
    expect(await layer.num_batches_tracked?.item()).toBe(2);
  });
});
