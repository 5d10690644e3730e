import { describe, expect, test } from 'vitest';
import { vjp } from '../../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../../src/host.ts';
import { type GroupNormOptions, groupNorm, instanceNorm } from '../../../src/ops/norm/group_norm.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { type CheckOptions, checkOp, type Nd } from '../../../src/testing/check.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';
import { plans, quickPlans } from '../../helpers/row_plans.ts';

/** The definition: over the groups of each image, with a weight and a bias per channel. */
function definition(groups: number, eps: number, x: Nd, weight?: Nd, bias?: Nd): Nd {
  const [N, C, ...rest] = x.shape as [number, number, ...number[]];
  const inner = sizeOf(rest);
  const size = (C / groups) * inner;
  const out = Float64Array.from(x.data);
  for (let row = 0; row < N * groups; row++) {
    const data = Array.from(x.data.subarray(row * size, (row + 1) * size));
    const mean = data.reduce((a, b) => a + b, 0) / size;
    const variance = data.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    data.forEach((v, j) => {
      const c = Math.floor((row * size + j) / inner) % C;
      out[row * size + j] = ((v - mean) / Math.sqrt(variance + eps)) * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0);
    });
  }
  return { shape: x.shape, data: out };
}

type Given = 'both' | 'weight' | 'bias' | 'none';
type Extra = GroupNormOptions & { readonly dtype?: 'f32' | 'f16' };

function named<T>(given: Given, [a, b]: readonly T[]): { weight?: T; bias?: T } {
  const both = { weight: a as T, bias: b as T };
  return { both, weight: { weight: a as T }, bias: { bias: a as T }, none: {} }[given];
}

async function checkNorm(shape: Shape, groups: number, given: Given, extra: Extra = {}, settings: CheckOptions = {}) {
  const { dtype = 'f32', ...options } = extra;
  const count = { both: 2, weight: 1, bias: 1, none: 0 }[given];
  await checkOp(
    gpu,
    (x, ...rest) => groupNorm(x as Tensor, groups, { ...named(given, rest), ...options }),
    (x, ...rest) => {
      const { weight, bias } = named(given, rest);
      return definition(groups, options.eps ?? 1e-5, x as Nd, weight, bias);
    },
    [
      { shape, range: [-2, 2], dtype },
      ...Array.from({ length: count }, () => ({ shape: [shape[1] as number], dtype })),
    ],
    settings,
  );
}

describe.each<Given>(['both', 'weight', 'bias', 'none'])('weight and bias: %s', (given) => {
  test.each<[Shape, number]>([
    [[2, 6], 2],
    [[2, 4, 3], 2],
    [[3, 4, 4], 4],
    [[2, 8, 2, 2], 2],
    [[1, 6, 2, 2], 3],
    [[2, 4, 1, 3], 1],
    [[2, 3, 2, 2, 2], 3],
  ])('%j in %d groups', (shape, groups) => checkNorm(shape, groups, given));

  test('another eps', () => checkNorm([2, 4, 3], 2, given, { eps: 0.1 }));
});

describe.each(Object.entries(plans))('plan: %s', (_, plan) => {
  test('with gradients', async () => {
    for (const [shape, groups] of [
      [[2, 4, 12], 2],
      [[3, 6, 5], 3],
      [[2, 8, 2, 4], 8],
      [[2, 3, 4], 1],
      [[5, 6], 2],
    ] as const)
      await checkNorm(shape, groups, 'both', { plan, weightPlan: plan });
  });

  test('sizes around tiles', async () => {
    for (const inner of [1, 63, 64, 65, 256, 260])
      await checkNorm([2, 4, inner], 2, 'both', { plan, weightPlan: plan }, { gradient: false });
  });
});

test('the gradients of weight and bias over many images', async () => {
  // As the definition has them, in f64: central differences would take minutes.
  const [N, C, inner, groups] = [130, 4, 12, 2];
  const fill = (n: number, f: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => f(i));
  const [data, dy] = [fill(N * C * inner, (i) => Math.sin(i * i)), fill(N * C * inner, (i) => Math.cos(3 * i))];
  const normal = definition(groups, 1e-5, { shape: [N, C, inner], data: Float64Array.from(data) }).data;
  for (const plan of Object.values(plans)) {
    const [x, w, b] = [gpu.tensor(data, [N, C, inner]), gpu.tensor(fill(C, (i) => i)), gpu.zeros([C])];
    const options = { weight: w, bias: b, plan, weightPlan: plan };
    const { grads } = vjp(() => groupNorm(x, groups, options), [w, b], [gpu.tensor(dy, [N, C, inner])]);
    const [dw, db] = [await (grads[0] as Tensor).data(), await (grads[1] as Tensor).data()];
    for (let c = 0; c < C; c++) {
      let [cross, total] = [0, 0];
      dy.forEach((g, i) => {
        if (Math.floor(i / inner) % C !== c) return;
        cross += g * (normal[i] as number);
        total += g;
      });
      expect(Math.abs((dw[c] as number) - cross)).toBeLessThan(1e-3);
      expect(Math.abs((db[c] as number) - total)).toBeLessThan(1e-3);
    }
  }
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) return expect(() => gpu.empty([1], 'f16')).toThrow();
  for (const plan of quickPlans) {
    await checkNorm([2, 4, 12], 2, 'both', { plan, weightPlan: plan, dtype: 'f16' });
    await checkNorm([2, 6, 5], 3, 'both', { plan, weightPlan: plan, dtype: 'f16' });
  }
});

test('instanceNorm is groupNorm with a group a channel', async () => {
  await checkOp(
    gpu,
    (x, weight, bias) => instanceNorm(x as Tensor, { weight: weight as Tensor, bias: bias as Tensor, eps: 1e-3 }),
    (x, weight, bias) => definition(3, 1e-3, x as Nd, weight, bias),
    [{ shape: [2, 3, 2, 3] }, { shape: [3] }, { shape: [3] }],
  );
  expect(() => instanceNorm(gpu.empty([2, 3]))).toThrow(
    'instanceNorm: x must be [N, C, ...] of rank 3 or more, got f32[2, 3]',
  );
});

test('a large mean does not swallow the variance', async () => {
  const data = Float32Array.from({ length: 128 }, (_, i) => 10_000 + (i % 8));
  const want = definition(2, 1e-5, { shape: [1, 4, 32], data: Float64Array.from(data) }).data;
  for (const plan of Object.values(plans)) {
    const y = await groupNorm(gpu.tensor(data, [1, 4, 32]), 2, { plan }).data();
    expect(Math.max(...y.map((v, i) => Math.abs(v - (want[i] as number))))).toBeLessThan(1e-5);
  }
});

test.each<[Shape, number]>([
  [[0, 4, 3], 2],
  [[2, 4, 0], 2],
  [[2, 0, 3], 1],
])('nothing: %j', async (shape, groups) => {
  const C = shape[1] as number;
  const [x, w, b] = [gpu.empty(shape), gpu.empty([C]), gpu.empty([C])];
  const { outputs, grads } = vjp(() => groupNorm(x, groups, { weight: w, bias: b }), [x, w, b], [x]);
  expect(outputs[0]?.shape).toEqual(shape);
  expect(grads[0]?.shape).toEqual(shape);
  for (const g of grads.slice(1)) expect(Array.from((await g?.data()) ?? [])).toEqual(Array(C).fill(0));
});

test('its gradient has a gradient', async () => {
  const x = { shape: [1, 4, 3], data: [0.5, -1, 2, 0.25, 1, 0.5, -2, -0.5, 1.5, 0.75, -0.25, 0.1] };
  for (const given of ['both', 'bias', 'none'] as const)
    await checkHessian(
      gpu,
      (x, ...rest) => groupNorm(x as Tensor, 2, named(given, rest)),
      (x, ...rest) => {
        const { weight, bias } = named(given, rest);
        return definition(2, 1e-5, x as Nd, weight, bias);
      },
      [x, { shape: [4] }, { shape: [4] }].slice(0, { both: 3, bias: 2, none: 1 }[given]),
    );
});

test('one dispatch forward, one for dx and two for weight and bias, the same bits', () =>
  bare(async (device) => {
    const x = device.tensor(
      Float32Array.from({ length: 960 }, (_, i) => Math.sin(i)),
      [5, 6, 32],
    );
    const w = device.tensor(Float32Array.from({ length: 6 }, (_, i) => i));
    const run = () => vjp(() => groupNorm(x, 3, { weight: w, bias: w }), [x, w], [x]);
    device.resetCounters();
    const first = run();
    expect(device.counters().dispatches).toBe(5); // with the sum of the weight's two gradients
    const second = run();
    for (const i of [0, 1]) expect(await second.grads[i]?.data()).toEqual(await first.grads[i]?.data());
  }));

describe('errors', () => {
  const x = gpu.empty([2, 6, 4]);
  test.each<[string, () => unknown]>([
    ['groupNorm: x must be [N, C, ...] of rank 2 or more, got f32[6]', () => groupNorm(gpu.empty([6]), 2)],
    ['groupNorm: groups must divide the 6 channels of x, got 4 (x: f32[2, 6, 4])', () => groupNorm(x, 4)],
    ['groupNorm: groups must divide the 6 channels of x, got 0 (x: f32[2, 6, 4])', () => groupNorm(x, 0)],
    ['groupNorm: groups must divide the 6 channels of x, got 1.5 (x: f32[2, 6, 4])', () => groupNorm(x, 1.5)],
    ['groupNorm: weight must have shape [6], got f32[4]', () => groupNorm(x, 2, { weight: gpu.empty([4]) })],
    [
      'groupNorm: x and bias must have the same dtype, got f32[2, 6, 4] and i32[6]',
      () => groupNorm(x, 2, { bias: gpu.empty([6], 'i32') }),
    ],
    ['groupNorm: x must be f32 or f16, got u32[2, 2]', () => groupNorm(gpu.empty([2, 2], 'u32'), 1)],
    ['groupNorm: eps must be at least 0, got -1', () => groupNorm(x, 2, { eps: -1 })],
  ])('%s', (message, call) => expect(call).toThrow(message));
});
