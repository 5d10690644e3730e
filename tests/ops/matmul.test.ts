import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/tape.ts';
import { mul } from '../../src/ops/binary.ts';
import { type Activation, type MatmulOptions, matmul } from '../../src/ops/matmul.ts';
import { sum } from '../../src/ops/reduce.ts';
import { tanh } from '../../src/ops/unary.ts';
import type { Gpu } from '../../src/runtime/gpu.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Shape, Tensor } from '../../src/tensor.ts';
import type { Nd } from '../../src/testing/check.ts';
import { bare } from '../helpers/bare.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { ACTIVATIONS, checkMatmul, forward, reference, stored, TRANSPOSES } from '../helpers/matmul.ts';

test.each(TRANSPOSES)(
  'any sizes, and their gradients, transposeA %s, transposeB %s',
  async (transposeA, transposeB) => {
    const sizes = [[1, 1, 1], [3, 5, 7], [4, 8, 12], [1, 9, 4], [9, 1, 4], [6, 2, 1]] as const; // biome-ignore format: a table
    for (const [m, n, k] of sizes) {
      await checkMatmul(stored(m, k, transposeA), stored(k, n, transposeB), { transposeA, transposeB });
    }
  },
);

test('vectors: a row on the left, a column on the right', async () => {
  await checkMatmul([5], [5]);
  await checkMatmul([5], [5, 3]);
  await checkMatmul([4, 5], [5]);
  await checkMatmul([5], [2, 5, 3]);
  await checkMatmul([2, 3, 4, 5], [5]);
  await checkMatmul([5], [2, 3, 5], { transposeB: true, bias: [2, 3], activation: 'silu' });
  await checkMatmul([2, 5, 4], [5], { transposeA: true, bias: [2, 1] });
  await checkMatmul([300], [300]);
});

test('batches broadcast, and their gradients are summed', async () => {
  await checkMatmul([2, 3, 4], [4, 5]);
  await checkMatmul([2, 3, 4], [1, 4, 5]);
  await checkMatmul([2, 3, 4], [1, 1, 4, 5]);
  await checkMatmul([3, 4], [2, 4, 5]);
  await checkMatmul([2, 1, 3, 4], [3, 4, 5]);
  await checkMatmul([2, 4, 3], [4, 5], { transposeA: true });
  await checkMatmul([2, 3, 4], [5, 4], { transposeB: true });
  await checkMatmul([2, 3, 1, 1, 2, 3], [1, 3, 1, 2, 3, 2], {}, forward);
  await checkMatmul([2, 1, 2, 1, 2, 1, 2, 2], [1, 2, 1, 2, 1, 2, 2, 2], { bias: [2, 2] }, forward);
  await checkMatmul([2, 2, 1, 2, 2, 1, 3, 2], [2, 3], {}, forward);
});

test('empty operands', async () => {
  await checkMatmul([0, 4], [4, 5]);
  await checkMatmul([3, 4], [4, 0]);
  await checkMatmul([3, 0], [0, 5]);
  await checkMatmul([2, 3, 0], [0, 5], { bias: [5] });
  await checkMatmul([0, 3, 4], [4, 5], { bias: [5] });
  await checkMatmul([0, 3, 4], [0, 4, 5]);
  await checkMatmul([1, 3, 4], [2, 4, 0]);
  await checkMatmul([0], [0]);
});

const BIASES: readonly Shape[] = [[], [1], [6], [5, 6], [5, 1], [1, 1], [3, 1, 6], [2, 1, 1, 1], [2, 3, 5, 6]];

test.each(BIASES.map((bias) => ({ bias })))('bias of shape $bias', async ({ bias }) => {
  await checkMatmul([2, 3, 5, 4], [3, 4, 6], { bias });
});

describe.each(Object.keys(ACTIVATIONS) as Activation[])('activation %s', (activation) => {
  test('forward and gradients', async () => {
    await checkMatmul([3, 5, 8], [8, 12], { activation, bias: [12] });
    await checkMatmul([7, 3], [5, 3], { activation, transposeB: true });
  });

  test('after K was split', async () => {
    await checkMatmul([6, 300], [300, 7], { activation, bias: [7], plan: { splits: 3 } }, forward);
  });

  test('the gradient of the gradient', async () => {
    const op = (...[x, w, bias]: Tensor[]) => matmul(x as Tensor, w as Tensor, { bias: bias as Tensor, activation });
    const definition = reference({ activation });
    // Data that keeps relu off its kink.
    const inputs = [[3, 4], [4, 2], [2]].map((shape, j) => {
      const data = Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.cos(3 * i + j));
      return { shape, data };
    });
    await checkHessian(gpu, op, (x, w, bias) => definition(x as Nd, w as Nd, bias), inputs);
  });
});

test('the gradient of the gradient where one tensor is both operands', async () => {
  const x = gpu.tensor([0.1, 0.2, 0.3, -0.4], [2, 2]);
  const w = gpu.tensor([1, 2, 3, 4], [2, 2]);
  const second = (f: () => Tensor) => grad(() => sum(mul(grad(f, x), w)), x);
  const fused = await second(() => sum(matmul(x, x, { activation: 'tanh' }))).data();
  const plain = await second(() => sum(tanh(matmul(x, x)))).data();
  for (const [i, v] of fused.entries()) expect(v).toBeCloseTo(plain[i] as number, 4);
});

test('f16 is summed in f32', async () => {
  if (!gpu.features.has('shader-f16')) return void expect(() => gpu.empty([1], 'f16')).toThrow('shader-f16');
  const dtype = 'f16';
  const options = { transposeB: true, bias: [5], activation: 'silu' } as const;
  await checkMatmul({ shape: [2, 3, 4], dtype }, { shape: [5, 4], dtype }, options);
  // 4096 products of 1: a sum in f16 would stop at 2048.
  const ones = { shape: [1, 4096], dtype, data: new Float32Array(4096).fill(1) } as const;
  await checkMatmul(ones, { ...ones, shape: [4096, 1] }, {}, forward);
});

describe('dispatches', () => {
  const count = (g: Gpu, a: Shape, b: Shape, options: MatmulOptions = {}) => {
    const [x, w] = [g.zeros(a), g.zeros(b)];
    const run = (f: () => unknown) => {
      g.resetCounters();
      scope(() => void f());
      return g.counters().dispatches;
    };
    const loss = (): Tensor => sum(matmul(x, w, options));
    return { forward: run(() => matmul(x, w, options)), both: run(() => valueAndGrad(loss, [x, w])) };
  };

  test('one forward and one for each gradient asked for, of the rows of the whole batch; one more for an activation', () =>
    bare(async (g) => {
      // The sum, its gradient's seed and the seed spread out are three more.
      expect(count(g, [6, 8], [8, 4])).toEqual({ forward: 1, both: 6 });
      expect(count(g, [2, 3, 8], [8, 4])).toEqual({ forward: 1, both: 6 });
      expect(count(g, [2, 3, 8], [1, 4, 8], { transposeB: true })).toEqual({ forward: 1, both: 6 });
      expect(count(g, [2, 3, 8], [8, 4], { bias: g.zeros([4]) })).toEqual({ forward: 1, both: 6 });
      // One more for the activation, of which gelu and silu keep the argument.
      for (const activation of ['relu', 'tanh', 'sigmoid', 'gelu', 'silu'] as const) {
        expect(count(g, [6, 8], [8, 4], { activation })).toEqual({ forward: 1, both: 7 });
      }
      // Only the gradients asked for.
      const [x, w, bias] = [g.zeros([6, 8]), g.zeros([8, 4]), g.zeros([4])];
      const run = (...wrt: Tensor[]) => {
        g.resetCounters();
        scope(() => valueAndGrad(() => sum(matmul(x, w, { bias })), wrt));
        return g.counters().dispatches;
      };
      expect([run(x), run(w), run(bias), run(x, w, bias)]).toEqual([5, 5, 5, 7]);
    }));
});

test('errors say what was wrong', () => {
  const t = (...shape: number[]) => gpu.zeros(shape);
  const integer = gpu.zeros([2, 2], 'i32');
  const message = (a: Tensor, b: Tensor, options: MatmulOptions = {}) => {
    try {
      matmul(a, b, options);
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };
  expect(message(t(2, 3), t(4, 5))).toBe(
    'matmul: the inner sizes must agree (3 and 4), got a: f32[2, 3] and b: f32[4, 5]',
  );
  expect(message(t(2, 3), t(4, 5), { transposeA: true, transposeB: true })).toBe(
    'matmul: the inner sizes must agree (2 and 5), got a: f32[2, 3] transposed and b: f32[4, 5] transposed',
  );
  expect(message(t(), t(4))).toBe('matmul: a and b must have at least 1 dimension, got a: f32[] and b: f32[4]');
  expect(message(t(3), t(3), { transposeA: true })).toBe(
    'matmul: a vector cannot be transposed, got a: f32[3] transposed and b: f32[3]',
  );
  expect(message(t(2, 3, 4), t(3, 4, 5))).toBe(
    'matmul: the batch dimensions do not broadcast, got a: f32[2, 3, 4] and b: f32[3, 4, 5]',
  );
  for (const bias of [t(4), t(1, 1, 5)]) {
    expect(message(t(2, 3), t(3, 5), { bias })).toMatch('matmul: bias must broadcast to the output [2, 5], got f32[');
  }
  expect(message(integer, integer)).toBe('matmul: a must be f32 or f16, got i32[2, 2]');
  expect(message(t(2, 2), t(2, 2), { bias: integer })).toMatch(
    'matmul: a and b and bias must have the same dtype, got',
  );
  expect(message(t(2, 2), t(2, 2), { activation: 'toString' as Activation })).toBe(
    'matmul: activation must be one of none, relu, tanh, sigmoid, gelu, silu, got toString',
  );
});
