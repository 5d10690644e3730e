import { expect, it } from 'vitest';
import type { HostInput } from '../../bench/bench.ts';
import { additive, type Definition, gruStep, linear, type Ops } from '../../bench/ops.ts';
import { reference } from '../../bench/reference/f64.ts';
import { indices, swapMiddle, uniform } from '../../bench/values.ts';

/** Every op at least once, all inputs but the last two floats. */
const everything: Definition = <T>(ops: Ops<T>, ...[x, w, u, bias, scale, v, ids, target]: T[]): T => {
  const rows = ops.embedding(x!, ids!);
  const turned = ops.permute(ops.reshape(rows, [2, 3, 4]), [1, 0, 2]);
  const scores = ops.band(ops.matmul(turned, turned, true), 1, 0);
  const mixed = ops.matmul(ops.softmax(scores), ops.layerNorm(turned, scale!, v!));
  const read = additive(ops, linear(ops, mixed, w!), turned, turned, ops.slice(bias!, 0, 0, 4));
  const part = (from: number) => ops.reshape(ops.slice(read, 1, from, from + 1), [3, 4]);
  const gates = ops.gelu(ops.matmul(ops.concat([part(0), part(1)], 1), u!));
  const h = gruStep(
    ops,
    gates,
    ops.sub(part(0), ops.mul(part(1), 0.5)),
    ops.permute(ops.slice(u!, 0, 0, 4), [1, 0]),
    bias!,
  );
  const logits = ops.add(ops.mul(h, scale!), 1);
  return ops.crossEntropy(logits, target!);
};

it("the reference's gradients are its differences", () => {
  const shapes = [[5, 4], [4, 4], [8, 12], [12], [4], [4]];
  const inputs: HostInput[] = shapes.map((shape, i) => uniform(shape, i + 1));
  inputs.push(indices([6], 7, 5), indices([3], 8, 4));
  const grads = reference(everything, inputs, { dy: [1], wrt: shapes.length }).slice(1);
  const step = 2 ** -10;
  for (const [k, grad] of grads.entries()) {
    for (const [i, want] of grad.data.entries()) {
      const loss = (h: number) => {
        // Exact in f32: the step is a power of two, and the values are rounded to a multiple of its square.
        const data = Float32Array.from(inputs[k]?.data ?? [], (v) => Math.round(v * 2 ** 20) / 2 ** 20);
        data[i] = (data[i] as number) + h;
        return reference(
          everything,
          inputs.map((x, j) => (j === k ? { ...x, data } : x)),
        )[0]?.data[0] as number;
      };
      const four = (loss(step) - loss(-step)) / (2 * step);
      const eight = (loss(2 * step) - loss(-2 * step)) / (4 * step);
      // Richardson's extrapolation.
      expect(want, `input ${k}, element ${i}`).toBeCloseTo((4 * four - eight) / 3, 5);
    }
  }
});

it('heads and rows change places, and back', () => {
  const { data } = uniform([2, 3, 5, 4], 1);
  const swapped = swapMiddle(data, [2, 3, 5, 4]);
  expect(swapped[((1 * 5 + 4) * 3 + 2) * 4 + 3]).toBe(data[((1 * 3 + 2) * 5 + 4) * 4 + 3]);
  expect(swapMiddle(swapped, [2, 5, 3, 4])).toEqual(data);
});
