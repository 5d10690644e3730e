import { describe, expect, test } from 'vitest';
import { vjp } from '../../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../../src/host.ts';
import { type RmsNormOptions, rmsNorm } from '../../../src/ops/norm/rms_norm.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { type CheckOptions, checkOp, type Nd } from '../../../src/testing/check.ts';
import { bare } from '../../helpers/bare.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkHessian } from '../../helpers/hessian.ts';
import { plans, quickPlans } from '../../helpers/row_plans.ts';

/** The definition: over rows of `cols`, with a weight or without. */
function definition(cols: number, eps: number, x: Nd, weight?: Nd): Nd {
  const out = Float64Array.from(x.data);
  for (let r = 0; r < out.length; r += cols) {
    const row = Array.from(x.data.subarray(r, r + cols));
    const root = Math.sqrt(row.reduce((a, b) => a + b * b, 0) / cols + eps);
    row.forEach((v, j) => {
      out[r + j] = (v / root) * (weight?.data[j] ?? 1);
    });
  }
  return { shape: x.shape, data: out };
}

async function checkNorm(
  shape: Shape,
  normalizedShape: Shape,
  options: RmsNormOptions & { readonly weighted?: boolean; readonly dtype?: 'f32' | 'f16' } = {},
  settings: CheckOptions = {},
) {
  const { weighted = true, dtype = 'f32', ...extra } = options;
  await checkOp(
    gpu,
    (x, weight) => rmsNorm(x as Tensor, { weight: weight ?? null, normalizedShape, ...extra }),
    (x, weight) => definition(sizeOf(normalizedShape), extra.eps ?? 2 ** -23, x as Nd, weight),
    [{ shape, range: [-2, 3], dtype }, ...(weighted ? [{ shape: normalizedShape, dtype }] : [])],
    settings,
  );
}

test.each<[Shape, Shape]>([
  [[5], [5]],
  [[1, 1], [1]],
  [[3, 8], [8]],
  [[4, 7], [7]],
  [
    [2, 3, 4],
    [3, 4],
  ],
  [
    [2, 3],
    [2, 3],
  ],
])('%j over the last %j', async (shape, normalizedShape) => {
  await checkNorm(shape, normalizedShape);
  await checkNorm(shape, normalizedShape, { weighted: false });
});

test('another eps', () => checkNorm([3, 6], [6], { eps: 0.1 }));

test.each(Object.entries(plans))('plan: %s', async (_, plan) => {
  for (const [rows, cols] of [
    [3, 20],
    [17, 5],
  ] as const)
    await checkNorm([rows, cols], [cols], { plan, weightPlan: plan });
  for (const cols of [63, 65, 255, 260])
    await checkNorm([2, cols], [cols], { plan, weightPlan: plan }, { gradient: false });
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) return expect(() => gpu.empty([1], 'f16')).toThrow();
  for (const plan of quickPlans)
    for (const cols of [20, 7]) await checkNorm([5, cols], [cols], { plan, weightPlan: plan, dtype: 'f16', eps: 1e-3 });
});

test('the mean stays: large ones are not taken away', async () => {
  using x = gpu.tensor([[10_000, 10_001, 9_999, 10_000]]);
  using y = rmsNorm(x);
  Array.from(await y.data()).forEach((v, i) => {
    expect(v).toBeCloseTo([1, 1.0001, 0.9999, 1][i] as number, 6);
  });
});

test('nothing, and rows of zeros', async () => {
  const [x, w] = [gpu.empty([0, 3]), gpu.tensor([1, 2, 3])];
  const { outputs, grads } = vjp(() => rmsNorm(x, { weight: w }), [x, w], [x]);
  expect(outputs[0]?.shape).toEqual([0, 3]);
  expect(Array.from((await grads[1]?.data()) ?? [])).toEqual([0, 0, 0]);
  expect(rmsNorm(gpu.empty([3, 0])).shape).toEqual([3, 0]);
  expect(Array.from(await rmsNorm(gpu.zeros([2, 3])).data())).toEqual([0, 0, 0, 0, 0, 0]);
});

test('its gradient has a gradient', async () => {
  const op = (x: Tensor, weight?: Tensor) => rmsNorm(x, { weight: weight ?? null });
  const reference = (x: Nd, weight?: Nd) => definition(4, 2 ** -23, x, weight);
  const x = { shape: [2, 4], data: [0.5, -1, 2, 0.25, 1, 0.5, -2, -0.5] };
  await checkHessian(gpu, op as (...t: Tensor[]) => Tensor, reference as (...n: Nd[]) => Nd, [x, { shape: [4] }]);
  await checkHessian(gpu, op as (...t: Tensor[]) => Tensor, reference as (...n: Nd[]) => Nd, [x]);
});

test('one dispatch forward, two backward, the same bits', () =>
  bare(async (device) => {
    const x = device.tensor(
      Float32Array.from({ length: 900 }, (_, i) => Math.sin(i)),
      [30, 30],
    );
    const w = device.tensor(Float32Array.from({ length: 30 }, (_, i) => i));
    const run = () => vjp(() => rmsNorm(x, { weight: w }), [x, w], [x]);
    device.resetCounters();
    const first = run();
    expect(device.counters().dispatches).toBe(3);
    const second = run();
    for (const i of [0, 1]) expect(await second.grads[i]?.data()).toEqual(await first.grads[i]?.data());
    expect(await second.outputs[0]?.data()).toEqual(await first.outputs[0]?.data());
  }));

describe('errors', () => {
  const x = gpu.empty([2, 3, 4]);
  test.each<[string, () => unknown]>([
    [
      'rmsNorm: normalizedShape must be the last axes of x, got [3] (x: f32[2, 3, 4])',
      () => rmsNorm(x, { normalizedShape: [3] }),
    ],
    ['rmsNorm: normalizedShape must be the last axes of x, got [] (x: f32[])', () => rmsNorm(gpu.empty([]))],
    [
      'rmsNorm: weight must have shape [4], got f32[3, 4]',
      () => rmsNorm(x, { weight: gpu.empty([3, 4]), normalizedShape: [4] }),
    ],
    [
      'rmsNorm: x and weight must have the same dtype, got f32[2, 3, 4] and i32[4]',
      () => rmsNorm(x, { weight: gpu.empty([4], 'i32') }),
    ],
    ['rmsNorm: x must be f32 or f16, got i32[2]', () => rmsNorm(gpu.empty([2], 'i32'))],
    ['rmsNorm: eps must be at least 0, got -1', () => rmsNorm(x, { eps: -1 })],
    ['rmsNorm: eps must be at least 0, got NaN', () => rmsNorm(x, { eps: Number.NaN })],
  ])('%s', (message, call) => expect(call).toThrow(message));
});
