// Weights shared by many steps: the parts of their gradients wait for each other and are computed as one product.
import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/tape.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { sum } from '../../src/ops/reduce.ts';
import { square } from '../../src/ops/unary.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';

const N = 5;
const random = testRandom(11);
const numbers = (n: number) => Float32Array.from({ length: n }, () => random() * 2 - 1);
/** x^T 1, a row of the gradient of sum(x w): each column of w has the same. */
const columnSums = (xs: readonly Float32Array[]) =>
  Float64Array.from({ length: N }, (_, k) =>
    xs.flatMap((x) => [...x].filter((_, i) => i % N === k)).reduce((a, b) => a + b, 0),
  );
const inputs = (count: number, rows: number) => Array.from({ length: count }, () => numbers(rows * N));
const tensors = (xs: readonly Float32Array[]) => xs.map((x) => gpu.tensor(x, [x.length / N, N]));
const total = (parts: readonly Tensor[]) => parts.map((t) => sum(t)).reduce((a, b) => add(a, b));

async function expectGradient(dw: Tensor, want: (k: number, n: number) => number): Promise<void> {
  const data = Float64Array.from({ length: N * N }, (_, i) => want(Math.floor(i / N), i % N));
  expectClose('dw', { shape: dw.shape, data: await dw.data() }, { shape: [N, N], data }, 1e-5);
}

describe('products that share a weight', () => {
  test.each([
    ['one', 1, 3],
    ['several', 9, 3],
    ['one row each', 8, 1],
    ['more than may wait', 131, 2],
    ['too many rows to wait', 3, 129],
  ])('%s', async (_, count, rows) => {
    const xs = inputs(count, rows);
    const w = gpu.tensor(numbers(N * N), [N, N]);
    const dw = grad(() => total(tensors(xs).map((x) => matmul(x, w))), w);
    await expectGradient(dw, (k) => columnSums(xs)[k] as number);
  });

  test('with other uses of the weight, transposed or not, between them', async () => {
    const [a, b, c] = [inputs(4, 2), inputs(3, 2), inputs(2, 2)];
    const w = gpu.tensor(numbers(N * N), [N, N]);
    const dw = grad(() => {
      const straight = tensors(a).map((x) => matmul(x, w));
      const transposed = tensors(b).map((x) => matmul(x, w, { transposeB: true }));
      const more = tensors(c).map((x) => matmul(x, w));
      return add(total([...straight, ...transposed, ...more]), sum(mul(w, 3)));
    }, w);
    const [p, q] = [columnSums([...a, ...c]), columnSums(b)];
    await expectGradient(dw, (k, n) => (p[k] as number) + (q[n] as number) + 3);
  });

  test('a bias gets the sum over all rows', async () => {
    const xs = inputs(6, 4);
    const [w, bias] = [gpu.tensor(numbers(N * N), [N, N]), gpu.tensor(numbers(N))];
    const db = grad(() => total(tensors(xs).map((x) => matmul(x, w, { bias }))), bias);
    expect(await db.array()).toEqual(Array(N).fill(24));
  });

  test('eight of them take one product', async () => {
    const xs = tensors(inputs(8, 2));
    const w = gpu.tensor(numbers(N * N), [N, N]);
    const products = async (weights: readonly Tensor[]) => {
      const step = () => total(xs.map((x, i) => matmul(x, weights[i] ?? w)));
      const profile = await gpu.profile(() => scope(() => void valueAndGrad(step, [w, ...weights])));
      return profile.events.filter((e) => e.kernel.startsWith('linalg/')).length;
    };
    expect(await products(xs.map(() => gpu.tensor(numbers(N * N), [N, N])))).toBe(8 + 8);
    expect(await products([])).toBe(8 + 1);
  });

  test('a gradient of the gradient goes through the joined product', async () => {
    const xs = inputs(3, 2);
    const w = gpu.tensor(numbers(N * N), [N, N]);
    // d/dw |d/dw sum_i |x_i w|^2|^2 is a cubic's slope; by central differences of the first gradient's square.
    const energy = () => total(tensors(xs).map((x) => square(matmul(x, w))));
    const norm = () => sum(square(grad(energy, w)));
    const second = await grad(norm, w).data();
    const step = 1e-2;
    const start = Float32Array.from(await w.data());
    for (const i of [0, 7, 24]) {
      const at = async (shift: number) => {
        const moved = gpu.tensor(start.with(i, (start[i] as number) + shift), [N, N]);
        const there = () => total(tensors(xs).map((x) => square(matmul(x, moved))));
        return sum(square(grad(there, moved))).item();
      };
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      expect(Math.abs((second[i] as number) - slope)).toBeLessThan(1e-2 * Math.max(1, Math.abs(slope)));
    }
  });

  test('nothing is left behind', async () => {
    const xs = tensors(inputs(5, 2));
    const w = gpu.tensor(numbers(N * N), [N, N]);
    const before = gpu.memory();
    for (let i = 0; i < 3; i++) grad(() => total(xs.map((x) => matmul(x, w))), w).dispose();
    expect(gpu.memory()).toMatchObject({ live: before.live, tensors: before.tensors });
    await guards.verify();
  });
});
