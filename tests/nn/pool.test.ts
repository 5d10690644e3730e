import { describe, expect, test } from 'vitest';
import * as fovea from '../../src/index.ts';
import * as nn from '../../src/nn/index.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { gpu } from '../helpers/gpu.ts';

/** Two examples of three channels, 6 a dimension. */
function images(dims: number): Tensor {
  const shape = [2, 3, ...Array<number>(dims).fill(6)];
  return gpu.tensor(
    Float32Array.from({ length: 6 ** (dims + 1) }, (_, i) => Math.sin(i * 1.7)),
    shape,
  );
}

async function same(a: () => Tensor, b: () => Tensor): Promise<void> {
  using got = scope(a);
  using want = scope(b);
  expect(got.shape).toEqual(want.shape);
  expect(await got.data()).toEqual(await want.data());
}

type Any = Record<string, never>;
const op = (name: string, dims: number) =>
  (fovea as unknown as Record<string, (...args: unknown[]) => Tensor>)[`${name}${dims}d`]!;
const make = (name: string, dims: number, ...args: unknown[]) =>
  new (nn as unknown as Record<string, new (...args: unknown[]) => nn.PoolLayer>)[`${name}${dims}d`]!(...args);

describe.each([1, 2, 3])('in %i dimensions', (dims) => {
  test('windows', async () => {
    const x = images(dims);
    const options = { stride: 2, padding: 1, ceilMode: true };
    const average = { ...options, countIncludePad: false };
    await same(
      () => make('MaxPool', dims, 3, options).forward(x),
      () => op('maxPool', dims)(x, { ...options, kernelSize: 3 }),
    );
    await same(
      () => make('AvgPool', dims, 3, average).forward(x),
      () => op('avgPool', dims)(x, { ...average, kernelSize: 3 }),
    );
    await same(
      () => make('LPPool', dims, 3, 2).forward(x),
      () => op('lpPool', dims)(x, { kernelSize: 2, p: 3 }),
    );
  });

  test('adaptive', async () => {
    const x = images(dims);
    for (const name of ['AvgPool', 'MaxPool'])
      await same(
        () => make(`Adaptive${name}`, dims, 4).forward(x),
        () => op(`adaptive${name}`, dims)(x, 4),
      );
  });

  test('unpooling puts maxima back', async () => {
    const x = images(dims);
    const pool = make('MaxPool', dims, 2, { returnIndices: true }) as unknown as nn.PoolLayer<
      [Tensor],
      fovea.MaxPoolResult
    >;
    const unpool = make('MaxUnpool', dims, 2) as unknown as nn.PoolLayer<[Tensor, Tensor, Any?]>;
    const { output, indices } = pool.forward(x);
    await same(
      () => unpool.forward(output, indices),
      () => op('maxUnpool', dims)(output, indices, { kernelSize: 2 }),
    );
    const outputSize = Array<number>(dims).fill(7) as unknown as never;
    expect(unpool.forward(output, indices, { outputSize }).shape.slice(2)).toEqual(outputSize);
  });
});

test('types: indices are returned where they are asked for; nothing to train', () => {
  const x = images(2);
  const { output, indices } = new nn.MaxPool2d(2, { returnIndices: true }).forward(x);
  const plain: Tensor = new nn.MaxPool2d([2, 3], { stride: 1 }).forward(x);
  expect([output.shape, indices.dtype, plain.shape]).toEqual([[2, 3, 3, 3], 'i32', [2, 3, 5, 4]]);
  expect(new nn.AdaptiveMaxPool2d([2, null], { returnIndices: true }).forward(x).indices.shape).toEqual([2, 3, 2, 6]);
  const layer = new nn.AvgPool2d(2);
  expect(layer).toBeInstanceOf(nn.Module);
  expect(layer.parameters()).toEqual({});
  expect(() => layer.forward(gpu.empty([3]))).toThrow('avgPool2d: x must be [N, C, H, W] or [C, H, W], got f32[3]');
});

test('Softmax and LogSoftmax', async () => {
  const x = images(1);
  await same(
    () => new nn.Softmax(1, { temperature: 2 }).forward(x),
    () => fovea.softmax(x, { axis: 1, temperature: 2 }),
  );
  await same(
    () => new nn.LogSoftmax().forward(x),
    () => fovea.logSoftmax(x),
  );
});
