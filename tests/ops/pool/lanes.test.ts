import { afterAll, expect, test } from 'vitest';
import { grad } from '../../../src/autograd/tape.ts';
import type { Shape } from '../../../src/host.ts';
import { mul } from '../../../src/ops/binary.ts';
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool2d,
  maxPool2d,
} from '../../../src/ops/pool/index.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { isSoftware } from '../../../src/runtime/adapter.ts';
import { Gpu } from '../../../src/runtime/gpu.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { testRandom } from '../../../src/testing/index.ts';

// What an invocation computes lies apart on GPUs and side by side on CPUs: the same device, taken for one and the other.
const gpu = await Gpu.create();
const { family } = gpu;
const other = isSoftware(family) ? 'unknown' : 'swiftshader';
const disguise = (as: typeof family) => Object.assign(gpu, { family: as });
afterAll(() => gpu.destroy());

const random = testRandom(5);
const values = (n: number) => Float32Array.from({ length: n }, () => Math.round(16 * random()) / 8);

test.each<readonly [string, Shape, (x: Tensor) => Tensor]>([
  ['max 3, stride 2', [2, 3, 9, 13], (x) => maxPool2d(x, { kernelSize: 3, stride: 2 })],
  ['max 2, padded', [1, 2, 8, 16], (x) => maxPool2d(x, { kernelSize: 2, stride: 1, padding: 1 })],
  ['max, dilated', [1, 2, 9, 11], (x) => maxPool2d(x, { kernelSize: 2, stride: 3, dilation: 2 })],
  ['max, channels last', [1, 7, 6, 5], (x) => maxPool2d(x, { kernelSize: 3, stride: 1, layout: 'nhwc' })],
  ['mean 3, stride 2', [2, 3, 9, 13], (x) => avgPool2d(x, { kernelSize: 3, stride: 2 })],
  [
    'mean, padding not counted',
    [1, 2, 7, 17],
    (x) => avgPool2d(x, { kernelSize: [2, 4], stride: [1, 3], padding: 1, countIncludePad: false }),
  ],
  ['mean, ceilMode', [1, 2, 7, 17], (x) => avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true })],
  ['mean, channels last', [1, 7, 6, 5], (x) => avgPool2d(x, { kernelSize: 3, stride: 2, layout: 'nhwc' })],
  ['mean of one', [1, 2, 3], (x) => avgPool1d(x, { kernelSize: 1 })],
  ['mean, deep', [1, 2, 4, 5, 6], (x) => avgPool3d(x, { kernelSize: 2 })],
  ['power mean', [1, 2, 9, 13], (x) => lpPool2d(x, { p: 3, kernelSize: 3, stride: 2 })],
  ['adaptive mean', [1, 2, 9, 13], (x) => adaptiveAvgPool2d(x, 4)],
  ['adaptive max', [1, 2, 9, 13], (x) => adaptiveMaxPool2d(x, [3, 5])],
])('%s', async (_, shape, pool) => {
  const x = gpu.tensor(values(shape.reduce((a, b) => a * b)), shape);
  const { size, shape: out } = pool(x);
  const dy = gpu.tensor(values(size), out);
  const run = async () => [await pool(x).data(), await grad(() => sum(mul(pool(x), dy)), x).data()];
  const want = await run();
  disguise(other);
  try {
    expect(await run()).toEqual(want);
  } finally {
    disguise(family);
  }
});
