import { expect, test } from 'vitest';
import * as fovea from '../../src/index.ts';
import { Gpu, type Tensor } from '../../src/index.ts';

// An op called outside of any scope leaves nothing but its results behind: what it makes on the way is freed before it returns.
const gpu = await Gpu.create();
const x = fovea.uniform(gpu, [3, 4, 5], { seed: 1, low: 0.1 });
const m = fovea.uniform(gpu, [4, 4], { seed: 2, low: 0.1 });
const row = fovea.uniform(gpu, [5], { seed: 3 });
const index = gpu.tensor([2, 0, 1], [3], { dtype: 'i32' });
const bool = gpu.tensor([true, false, true, true], [4]);
const deep = gpu.tensor([
  [true, false],
  [false, true],
  [true, true],
]);
const [gx, h0, u, bias] = [[2, 3, 15], [2, 5], [15, 5], [15]].map((shape) => gpu.zeros(shape)) as [
  Tensor,
  Tensor,
  Tensor,
  Tensor,
];
const options = { axis: 1 };
const diagonal = fovea.equal(m, m);
const bias4 = fovea.sum(m, { axis: 0 });
const squares4 = fovea.square(bias4);
const classes = gpu.tensor([0, 1, 2, 3], [4], { dtype: 'i32' });
const columns = fovea.reshape(index, [3, 1, 1]);

const calls: Record<string, () => unknown> = {
  add: () => fovea.add(x, row),
  pow: () => fovea.pow(x, 2),
  maximum: () => fovea.maximum(x, row),
  gelu: () => fovea.gelu(x),
  equal: () => fovea.equal(x, row),
  logicalNot: () => fovea.logicalNot(bool),
  where: () => fovea.where(diagonal, m, 0),
  cast: () => fovea.cast(x, 'i32'),
  clamp: () => fovea.clamp(x, 0, 1),
  matmul: () => fovea.matmul(x, m, { transposeA: true }),
  'matmul, gelu': () => fovea.matmul(m, m, { activation: 'gelu', bias: bias4 }),
  sum: () => fovea.sum(x, options),
  mean: () => fovea.mean(x, { axis: [0, 2] }),
  max: () => fovea.max(x, options),
  prod: () => fovea.prod(x, options),
  logsumexp: () => fovea.logsumexp(x, options),
  argmax: () => fovea.argmax(x, options),
  softmax: () => fovea.softmax(x, options),
  logSoftmax: () => fovea.logSoftmax(x, options),
  crossEntropy: () => fovea.crossEntropy(m, classes),
  'crossEntropy, none': () => fovea.crossEntropy(m, m, { reduction: 'none', labelSmoothing: 0.1 }),
  layerNorm: () => fovea.layerNorm(x, { weight: row, bias: row }),
  rmsNorm: () => fovea.rmsNorm(x, { weight: row }),
  groupNorm: () => fovea.groupNorm(x, 2, { weight: bias4, bias: bias4 }),
  instanceNorm: () => fovea.instanceNorm(x),
  batchNorm: () => fovea.batchNorm(x, { weight: bias4, training: true }),
  'batchNorm, running': () => fovea.batchNorm(x, { runningMean: bias4, runningVar: squares4 }),
  dropout: () => fovea.dropout(x, { p: 0.5, seed: 1 }),
  reshape: () => fovea.reshape(x, [12, 5]),
  permute: () => fovea.permute(x, [2, 0, 1]),
  'permute of bool': () => fovea.permute(deep, [1, 0]),
  broadcastTo: () => fovea.broadcastTo(row, [2, 5]),
  flip: () => fovea.flip(x, 1),
  tile: () => fovea.tile(x, [2, 1, 1]),
  concat: () => fovea.concat(Array(9).fill(m), { axis: 1 }),
  stack: () => fovea.stack([m, m]),
  split: () => fovea.split(x, 2, options),
  slice: () => fovea.slice(x, [null, [1, 4, 2]]),
  'slice of bool': () => fovea.slice(bool, [[1, 3]]),
  pad: () =>
    fovea.pad(
      m,
      [
        [1, 1],
        [2, 0],
      ],
      { mode: 'reflect' },
    ),
  gather: () => fovea.gather(x, index),
  takeAlong: () => fovea.takeAlong(x, columns, options),
  oneHot: () => fovea.oneHot(index, 4),
  cumsum: () => fovea.cumsum(x, options),
  sort: () => fovea.sort(x, options),
  topk: () => fovea.topk(x, 2),
  tril: () => fovea.tril(m),
  randn: () => fovea.randn(gpu, [7], { seed: 1 }),
  gru: () => fovea.gru(gx, h0, u, bias),
  additiveAttention: () => fovea.additiveAttention(x, x, x, { v: row, returnWeights: true }),
  scaledDotProductAttention: () => fovea.scaledDotProductAttention(x, x, x, { isCausal: true }),
};

const count = (value: unknown): number =>
  value instanceof fovea.Tensor ? 1 : Object.values(value as object).reduce((n, v) => n + count(v), 0);

test.each(Object.entries(calls))('%s', (_, call) => {
  const inner = fovea.scope(() => {
    const before = gpu.memory().tensors;
    const made = call();
    return { left: gpu.memory().tensors - before, results: count(made) };
  });
  expect(inner.left).toBe(inner.results);
});
