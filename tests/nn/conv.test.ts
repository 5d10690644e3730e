import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import { conv2d, convTranspose1d, sum } from '../../src/index.ts';
import {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  ones,
  Rng,
} from '../../src/nn/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { gpu } from '../helpers/gpu.ts';

const image = (shape: readonly number[]) =>
  gpu.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
    shape,
  );

describe("shapes, names and first values are PyTorch's", () => {
  const layers = {
    Conv1d: [new Conv1d(gpu, 6, 4, 3, { groups: 2 }), [4, 3, 3]],
    Conv2d: [new Conv2d(gpu, 3, 4, [3, 2]), [4, 3, 3, 2]],
    Conv3d: [new Conv3d(gpu, 3, 4, 2), [4, 3, 2, 2, 2]],
    ConvTranspose1d: [new ConvTranspose1d(gpu, 6, 4, 3, { groups: 2 }), [6, 2, 3]],
    ConvTranspose2d: [new ConvTranspose2d(gpu, 3, 4, [3, 2]), [3, 4, 3, 2]],
    ConvTranspose3d: [new ConvTranspose3d(gpu, 3, 4, 2), [3, 4, 2, 2, 2]],
  } as const;
  test.each(Object.keys(layers) as (keyof typeof layers)[])('%s', async (name) => {
    const [layer, shape] = layers[name];
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
    expect(layer.weight.shape).toEqual(shape);
    expect(layer.bias?.shape).toEqual([4]);
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const values = await layer.weight.data();
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.7 * bound);
    layer.dispose();
  });
});

test('the layer is its op, with the options it was made with', async () => {
  using layer = new Conv2d(gpu, 2, 3, 3, { rng: new Rng(1), stride: 2, padding: 1, activation: 'relu' });
  using x = image([1, 2, 5, 6]);
  using y = layer.forward(x);
  using want = conv2d(x, layer.weight, { bias: layer.bias, stride: 2, padding: 1, activation: 'relu' });
  expect(y.shape).toEqual([1, 3, 3, 3]);
  expect(await y.data()).toEqual(await want.data());
  using back = new ConvTranspose1d(gpu, 2, 3, 4, {
    rng: new Rng(1),
    stride: 2,
    padding: 1,
    outputPadding: 1,
    bias: false,
  });
  using signal = image([1, 2, 5]);
  using z = back.forward(signal);
  using wantZ = convTranspose1d(signal, back.weight, { stride: 2, padding: 1, outputPadding: 1 });
  expect(back.bias).toBeNull();
  expect(z.shape).toEqual([1, 3, 11]);
  expect(await z.data()).toEqual(await wantZ.data());
});

test('its parameters are trained', async () => {
  using layer = new Conv2d(gpu, 1, 2, 2, { init: ones });
  using x = image([1, 1, 3, 3]);
  const { grads } = valueAndGrad(() => sum(layer.forward(x)), layer.parameters());
  const { weight, bias } = grads as { weight: Tensor; bias: Tensor };
  const d = await x.data();
  const corner = (i: number) => [0, 1, 3, 4].reduce((a, j) => a + (d[i + j] as number), 0);
  const want = [0, 1, 3, 4].map(corner);
  const got = Array.from(await weight.data());
  [...want, ...want].forEach((w, i) => expect(got[i]).toBeCloseTo(w, 5));
  expect(Array.from(await bias.data())).toEqual([4, 4]);
});

test('bad numbers are refused in one sentence', () => {
  expect(() => new Conv2d(gpu, 2, 3, [3])).toThrow(
    'Conv2d: kernelSize must be a whole number of at least 1, or 2 of them, got [3]',
  );
  expect(() => new ConvTranspose2d(gpu, 2, 3, 0)).toThrow(
    'ConvTranspose2d: kernelSize must be a whole number of at least 1, or 2 of them, got 0',
  );
  expect(() => new Conv1d(gpu, 4, 6, 3, { groups: 4 })).toThrow(
    'Conv1d: groups must divide both numbers of channels, 6 and 4, got 4',
  );
});
