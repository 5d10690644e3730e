import { expect } from 'vitest';
import { grad } from '../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../src/host.ts';
import { add, mul, sub } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import type { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';

/**
 * Holds the second derivative of a linear op: for L(x) = |op(x)|^2, which is quadratic, the Hessian times v is exactly
 * (grad L(x + v) - grad L(x - v)) / 2.
 *
 * @param spaced for an op that is linear only as long as the order of the elements stays: x of different whole numbers (if 7 does not divide
 *               their number), v smaller than half
 */
export async function checkSecondOrder(
  gpu: Gpu,
  op: (x: Tensor) => Tensor,
  shape: Shape,
  spaced = false,
): Promise<void> {
  const random = testRandom(7);
  const n = sizeOf(shape);
  const draw = (f: (i: number) => number) =>
    gpu.tensor(
      Array.from({ length: n }, (_, i) => f(i)),
      shape,
    );
  const x = draw(spaced ? (i) => ((i * 7) % n) - n / 2 : () => random() * 2 - 1);
  const v = draw(() => random() * (spaced ? 0.4 : 2) - (spaced ? 0.2 : 1));
  const slope = (at: Tensor): Tensor => {
    const loss = () => {
      const y = op(at);
      return sum(mul(y, y));
    };
    return grad(loss, at);
  };
  const got = grad(() => sum(mul(slope(x), v)), x);
  const want = mul(sub(slope(add(x, v)), slope(sub(x, v))), 0.5);
  const data = Float64Array.from(await want.data());
  expect(data.some((d) => d !== 0)).toBe(true);
  expectClose('second derivative', { shape: got.shape, data: await got.data() }, { shape, data }, 1e-5);
}
