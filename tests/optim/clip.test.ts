import { expect, test } from 'vitest';
import { sizeOf } from '../../src/host.ts';
import { Layout, type PackPlan } from '../../src/optim/flat.ts';
import { clipGradNorm } from '../../src/optim/index.ts';
import { ArgumentError, DTypeError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { clipReference } from './reference.ts';

const SHAPES = [[3, 5], [1], [64], [0], [257], [5, 7, 9], [], [1023], [1024], [1025], [300_032]];

const PLANS: readonly (PackPlan | undefined)[] = [
  undefined,
  { WG: 64, PER: 8, REDUCE: false },
  { WG: 256, PER: 4, REDUCE: true },
  { WG: 32, PER: 1, REDUCE: true },
];
const CASES = [0.5, 300, 1e4].flatMap((maxNorm) => PLANS.map((plan) => [maxNorm, plan] as const));

test.each(CASES)('gradients of norm 318 clipped to %d, plan %j', async (maxNorm, plan) => {
  const random = testRandom(1);
  const host = SHAPES.map((shape) => Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(2 * random() - 1)));
  const tensors = SHAPES.map((shape, k) => gpu.tensor(Float32Array.from(host[k] as Float64Array), shape));
  const want = clipReference(host, maxNorm);
  for (const poison of ['nan', 'large'] as const) {
    guards.poison = poison;
    const { grads, norm } = clipGradNorm({ first: tensors[0] as Tensor, rest: tensors.slice(1) }, maxNorm, plan);
    expect(await norm.item()).toBeCloseTo(want.norm, 2);
    for (const [k, t] of [grads.first, ...grads.rest].entries()) {
      expectClose(
        `gradient ${k}`,
        { shape: t.shape, data: await t.data() },
        { shape: t.shape, data: want.grads[k] as Float64Array },
        1e-6,
      );
    }
    await guards.verify();
    for (const t of [norm, grads.first, ...grads.rest]) t.dispose();
  }
  for (const [k, t] of tensors.entries()) {
    const data = await t.data();
    expect(host[k]?.every((v, i) => v === data[i])).toBe(true);
    t.dispose();
  }
});

test('packing over more than 65,535 workgroups', async () => {
  const size = 65_537 * 4 - 1;
  const layout = new Layout([5, size], { WG: 1, PER: 1, REDUCE: false });
  using a = gpu.tensor([1, 2, 3, 4, 5]);
  using b = gpu.tensor(Float32Array.from({ length: size }, (_, i) => (i % 7) - 3));
  using flat = gpu.empty([layout.total]);
  layout.pack([a, b], flat, false);
  await guards.verify();
  const data = await flat.data();
  expect(Array.from(data.slice(0, 8))).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  const want = await b.data();
  expect(data.slice(64, 64 + size).every((v: number, i: number) => v === want[i])).toBe(true);
  expect(data.slice(64 + size).every((v) => v === 0)).toBe(true);
});

test('errors', () => {
  using i = gpu.zeros([2], 'i32');
  using x = gpu.zeros([2]);
  expect(() => clipGradNorm([i], 1)).toThrow(
    new DTypeError('clipGradNorm', 'grads must be f32 (optimisers have no other dtype), got 0: i32[2]'),
  );
  expect(() => clipGradNorm({}, 1)).toThrow(
    new ArgumentError('clipGradNorm', 'grads must hold at least one tensor, got none'),
  );
  for (const bad of [0, -1, Number.NaN])
    expect(() => clipGradNorm([x], bad)).toThrow(new ArgumentError('clipGradNorm', `maxNorm must be > 0, got ${bad}`));
  expect(scope(() => clipGradNorm(x, 1).grads.shape)).toEqual([2]);
});
