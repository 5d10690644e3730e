import { grad } from '../../src/autograd/tape.ts';
import { sizeOf } from '../../src/host.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import type { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose, type Input, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';

/**
 * Holds the gradient of the gradient to a definition: for L = <op(inputs), seed>, the Hessian times a random vector, against mixed differences
 * of `reference` in f64. Inputs without `data` are uniform in [-1, 1); those with `grad: false` stay constant.
 */
export async function checkHessian(
  gpu: Gpu,
  op: (...inputs: Tensor[]) => Tensor,
  reference: (...inputs: Nd[]) => Nd,
  inputs: readonly Input[],
  rms = 2e-4,
): Promise<void> {
  const random = testRandom(11);
  const draw = (n: number) => Float64Array.from({ length: n }, () => Math.fround(random() * 2 - 1));
  const values = inputs.map(({ shape, data }) => ({
    shape,
    data: data ? Float64Array.from(data, Math.fround) : draw(sizeOf(shape)),
  }));
  const free = inputs.flatMap((input, i) => (input.grad === false ? [] : [i]));
  const along = values.map(({ data }) => draw(data.length));
  const seed = draw(reference(...values).data.length);
  const loss = (at: readonly Nd[]) => reference(...at).data.reduce((total, v, i) => total + v * (seed[i] as number), 0);

  const tensors = values.map(({ shape, data }, i) =>
    gpu.tensor(Array.from(data), shape, { dtype: inputs[i]?.dtype ?? 'f32' }),
  );
  const wrt = free.map((i) => tensors[i] as Tensor);
  const got = grad(() => {
    const slopes = grad(() => {
      const y = op(...tensors);
      return sum(mul(y, gpu.tensor(Array.from(seed), y.shape)));
    }, wrt);
    const parts = slopes.map((g, k) => sum(mul(g, gpu.tensor(Array.from(along[free[k] as number] ?? []), g.shape))));
    return parts.reduce((a, b) => add(a, b));
  }, wrt);

  const h = 1e-3;
  for (const [k, i] of free.entries()) {
    const { shape, data } = values[i] as Nd;
    const want = data.map((_, j) => {
      const at = (sign: number, step: number) =>
        loss(
          values.map((v, m) => ({
            shape: v.shape,
            data: v.data.map(
              (x, n) =>
                x + (free.includes(m) ? sign * h * (along[m]?.[n] ?? 0) : 0) + (m === i && n === j ? step * h : 0),
            ),
          })),
        );
      return (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h);
    });
    expectClose(`Hessian of input ${i}`, { shape, data: await (got[k] as Tensor).data() }, { shape, data: want }, rms);
  }
}
