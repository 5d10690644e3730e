import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import { sizeOf } from '../../src/host.ts';
import { parameter } from '../../src/nn/parameter.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { randn } from '../../src/ops/random.ts';
import { sum } from '../../src/ops/reduce.ts';
import { Adam, AdamW, cosineDecay, type Optimizer, SGD } from '../../src/optim/index.ts';
import { philoxNormals } from '../../src/random/philox.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Guards, Poison } from '../../src/testing/guard.ts';
import { bare } from '../helpers/bare.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { agree, first, gradient, gradients, make, SHAPES } from './model.ts';
import { adamReference, clipReference, type Reference, sgdReference } from './reference.ts';

type Make = (params: Tensor[]) => Optimizer;
const CASES: [string, Make, () => Reference, number | undefined][] = [
  ['Adam', (p) => new Adam(p, { lr: 0.01 }), () => adamReference(), undefined],
  [
    'Adam, other betas, eps, decay',
    (p) => new Adam(p, { lr: 0.01, betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0.1 }),
    () => adamReference({ betas: [0.8, 0.95], eps: 1e-3, decay: 0.1 }),
    undefined,
  ],
  [
    'Adam without means',
    (p) => new Adam(p, { lr: 0.01, betas: [0, 0], eps: 1e-4 }),
    () => adamReference({ betas: [0, 0], eps: 1e-4 }),
    undefined,
  ],
  ['Adam, clipped', (p) => new Adam(p, { lr: 0.01, clipNorm: 2, eps: 1e-4 }), () => adamReference({ eps: 1e-4 }), 2],
  ['AdamW', (p) => new AdamW(p, { lr: 0.01 }), () => adamReference({ decay: 0.01, decoupled: true }), undefined],
  [
    'AdamW, strong decay, clipped',
    (p) => new AdamW(p, { lr: 0.01, weightDecay: 1, clipNorm: 1e6 }),
    () => adamReference({ decay: 1, decoupled: true }),
    1e6,
  ],
  ['SGD', (p) => new SGD(p, { lr: 0.01 }), () => sgdReference(), undefined],
  [
    'SGD, decay, clipped',
    (p) => new SGD(p, { lr: 0.01, weightDecay: 0.1, clipNorm: 5 }),
    () => sgdReference({ decay: 0.1 }),
    5,
  ],
  ['SGD, momentum', (p) => new SGD(p, { lr: 0.01, momentum: 0.9 }), () => sgdReference({ momentum: 0.9 }), undefined],
  [
    'SGD, dampening',
    (p) => new SGD(p, { lr: 0.01, momentum: 0.9, dampening: 0.5 }),
    () => sgdReference({ momentum: 0.9, dampening: 0.5 }),
    undefined,
  ],
  [
    'SGD, Nesterov',
    (p) => new SGD(p, { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    () => sgdReference({ momentum: 0.9, nesterov: true, decay: 0.01 }),
    undefined,
  ],
];

describe('150 steps against PyTorch in doubles, learning rate on a cosine', () => {
  test.each(CASES)('%s', async (_, makeOptimizer, makeReference, clip) => {
    const rate = cosineDecay(0.02, 200);
    const params = make();
    using optimizer = makeOptimizer(params);
    const want = SHAPES.map((shape, k) => first(k, shape));
    const reference = makeReference();
    for (let step = 0; step < 150; step++) {
      (gpu.debug as Guards).poison = (['nan', 'large'] satisfies Poison[])[step % 2] as Poison;
      optimizer.lr = rate(step);
      scope(() => optimizer.step(gradients(step)));
      const g = SHAPES.map((shape, k) => gradient(step, k, shape));
      const clipped = clip === undefined ? null : clipReference(g, clip);
      reference.step(want, clipped?.grads ?? g, rate(step));
      if (step === 0) await agree(params, want, 1e-6);
      if (clipped && step % 50 === 0)
        expect(await optimizer.gradNorm.item()).toBeCloseTo(clipped.norm, -Math.log10(clipped.norm) + 5);
    }
    await agree(params, want, 1e-5);
    expect(await optimizer.steps.item()).toBe(150);
    await guards.verify();
    for (const p of params) p.dispose();
  });
});

test('the first steps of Adam along a constant gradient are lr long', async () => {
  const p = parameter(gpu.zeros([3]));
  using optimizer = new Adam([p], { lr: 0.5 });
  for (const t of [1, 2, 3]) {
    scope(() => optimizer.step([gpu.tensor([7, -1e-3, 1e5])]));
    const data = await p.data();
    // Betas that are rounded to f32 before 1 - beta is taken would be off by 6e-6.
    [-0.5, 0.5, -0.5].forEach((want, i) =>
      expect(Math.abs((data[i] as number) / (want * t) - 1)).toBeLessThan(i === 1 ? 1.1e-5 : 1e-6),
    ); // eps / |g| is 1e-5
  }
  p.dispose();
});

test(
  '10,000 steps of Adam stay within 1e-5 of PyTorch in doubles',
  () =>
    bare(async (device) => {
      const shapes = [[5, 3], [17]];
      const params = make(shapes, device);
      using optimizer = new Adam(params, { lr: 1e-3 });
      const want = shapes.map((shape, k) => first(k, shape));
      const reference = adamReference();
      // Noise around a mean, so that the parameters move a long way; drawn on both sides, since no two steps may be alike: rounding would repeat.
      for (let step = 0; step < 10_000; step++) {
        scope(() =>
          optimizer.step(shapes.map((shape, k) => randn(device, shape, { seed: step, offset: 100 * k, mean: 0.3 }))),
        );
        const g = shapes.map((shape, k) => philoxNormals(step, 100 * k, sizeOf(shape)).map((z) => 0.3 + z));
        reference.step(want, g, 1e-3);
        if (step % 1000 === 999) await device.sync();
      }
      await agree(params, want, 1e-5);
      for (const p of params) p.dispose();
    }),
  60_000,
);

test.each([[{}], [{ clipNorm: 1 }]])(
  'a step costs ceil(n / 7) + 2 dispatches and creates nothing once settled: %j',
  (options) =>
    bare(async (device) => {
      const params = make([...SHAPES, [33], [34], [35], [36], [37], [38]], device);
      using optimizer = new AdamW(params, { lr: 0.01, ...options });
      const step = (i: number) =>
        scope(() => {
          optimizer.lr = 1 / (i + 1);
          const { grads } = valueAndGrad(() => params.map((p) => sum(mul(p, p))).reduce((a, b) => add(a, b)), params);
          const before = device.counters().dispatches;
          optimizer.step(grads);
          expect(device.counters().dispatches - before).toBe(3 + 2);
        });
      const steps = async (from: number, to: number) => {
        for (let i = from; i < to; i++) {
          step(i);
          await device.sync();
        }
      };
      await steps(0, 10);
      device.resetCounters();
      const { live, pooled, tensors } = device.memory();
      await steps(10, 30);
      expect(device.counters()).toMatchObject({
        submits: 20,
        buffers: 0,
        bytesAllocated: 0,
        bindGroups: 0,
        pipelines: 0,
      });
      expect(device.memory()).toMatchObject({ live, pooled, tensors });
      for (const p of params) p.dispose();
    }),
);
