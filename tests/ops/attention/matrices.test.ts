// Attention by matrix products, which the planner takes on CPUs where every query sees every key.
import { expect, test } from 'vitest';
import { valueAndGrad } from '../../../src/autograd/tape.ts';
import { matricesOf } from '../../../src/ops/attention/matrices.ts';
import {
  type ScaledDotProductAttentionOptions,
  scaledDotProductAttention,
} from '../../../src/ops/attention/scaled_dot_product.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { square } from '../../../src/ops/unary.ts';
import { isSoftware } from '../../../src/runtime/adapter.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { attention } from '../../helpers/attention.ts';
import { gpu } from '../../helpers/gpu.ts';

const plan = { variant: 'matrices' } as const;

test.each([
  ['one head', [1, 1, 3, 4], [1, 1, 4, 4], [1, 1, 4, 4], {}],
  ['shared heads, values of another width', [2, 4, 3, 8], [2, 2, 8, 8], [2, 2, 8, 4], {}],
  [
    'without heads, widths that are no multiples of four, a negative scale',
    [2, 5, 3],
    [2, 8, 3],
    [2, 8, 6],
    { scale: -0.6 },
  ],
  ['one query', [1, 3, 1, 4], [1, 1, 12, 4], [1, 1, 12, 4], {}],
] as const)('%s', async (_, q, k, v, options) => {
  const op = (q: Tensor, k: Tensor, v: Tensor) => {
    const { output, lse, weights } = scaledDotProductAttention(q, k, v, {
      ...options,
      plan,
      returnLse: true,
      returnWeights: true,
    });
    return [output, lse, weights];
  };
  const reference = (q: Nd, k: Nd, v: Nd) => {
    const { output, lse, weights } = attention(q, k, v, options);
    return [output, lse, weights];
  };
  await checkOp(gpu, op as never, reference as never, [q, k, v]);
  // Without gradients of the weights, which go another way.
  const alone = (q: Tensor, k: Tensor, v: Tensor) => scaledDotProductAttention(q, k, v, { ...options, plan });
  await checkOp(gpu, alone as never, ((q: Nd, k: Nd, v: Nd) => attention(q, k, v, options).output) as never, [q, k, v]);
});

test('in parts: as by blocks, and the same bits twice', async () => {
  const sizes = { B: 2, H: 4, Hkv: 4, L: 32, S: 4096, D: 16, Dv: 16 };
  expect(matricesOf(sizes)).toEqual({ rows: 32, count: 8, chunk: 2 });
  const random = testRandom(6);
  const tensor = (rows: number) =>
    gpu.tensor(
      Float32Array.from({ length: 8 * rows * 16 }, () => random() * 2 - 1),
      [2, 4, rows, 16],
    );
  const inputs = [tensor(32), tensor(4096), tensor(4096)] as const;
  const run = async (chosen: ScaledDotProductAttentionOptions['plan'] & object) => {
    const { aux, grads } = valueAndGrad(() => {
      const output = scaledDotProductAttention(...inputs, { plan: chosen });
      return { loss: sum(square(output)), aux: output };
    }, inputs);
    return Promise.all([aux, ...grads].map(async (t) => ({ shape: t.shape, data: await t.data() })));
  };
  const got = await run(plan);
  const want = await run({ variant: 'registers', splits: 1 });
  got.forEach((x, i) => {
    const { shape, data } = want[i] as (typeof want)[number];
    expectClose(`result ${i}`, x, { shape, data: Float64Array.from(data) }, 1e-5);
  });
  expect(await run(plan)).toEqual(got);
});

test('what can be cut up', () => {
  const sizes = { B: 1, H: 8, Hkv: 8, L: 4096, S: 4096, D: 64, Dv: 64 };
  // Four times q is 8 MB, the scores of a head are 4.
  expect(matricesOf({ ...sizes, L: 1024, S: 1024 })).toEqual({ rows: 1024, count: 8, chunk: 2 });
  expect(matricesOf({ ...sizes, S: 4098 })).toBeNull();
  expect(matricesOf({ ...sizes, S: 0 })).toBeNull();
  expect(matricesOf({ ...sizes, L: 31, D: 60, S: 4096 })).toBeNull(); // parts would begin out of line
  expect(matricesOf({ ...sizes, H: 1, Hkv: 1, D: 4 })).toBeNull(); // one head has too many scores
});

test('the planner takes it on CPUs alone, and only where nothing is hidden or changed', async () => {
  const x = gpu.zeros([1, 2, 4, 4]);
  const slopes = gpu.zeros([2]);
  const kernels = async (options: ScaledDotProductAttentionOptions) => {
    const profile = await gpu.profile(() => scaledDotProductAttention(x, x, x, options));
    return profile.events.map((e) => e.kernel);
  };
  const byMatrices = async (options: ScaledDotProductAttentionOptions) =>
    (await kernels(options)).includes('attention/attention_softmax');
  expect(await byMatrices({ scale: 2, returnLse: true })).toBe(isSoftware(gpu.family));
  for (const options of [
    { isCausal: true },
    { window: [1, 1] },
    { softcap: 1 },
    { alibi: slopes },
    { sinks: slopes },
    { dropout: { p: 0.5, seed: 1 } },
    { keyLengths: gpu.tensor(Uint32Array.of(3)) },
    { mask: gpu.zeros([4, 4]) },
    { layout: 'blhd' },
  ] as const)
    expect(await byMatrices(options as ScaledDotProductAttentionOptions)).toBe(false);
});
