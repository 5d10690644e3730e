import { expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { Dropout, Embedding, LayerNorm, Linear, Module, ones, Rng, zeros } from '../../src/nn/index.ts';
import { mul, sub } from '../../src/ops/binary.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { relu } from '../../src/ops/unary.ts';
import { Adam } from '../../src/optim/index.ts';
import { philoxWords } from '../../src/random/philox.ts';
import { ArgumentError, ShapeError } from '../../src/runtime/errors.ts';
import type { Gpu } from '../../src/runtime/gpu.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bare } from '../helpers/bare.ts';
import { gpu } from '../helpers/gpu.ts';

test.each([[[3]], [[5, 3]], [[2, 4, 3]], [[0, 3]]])('Linear on %j', async (shape) => {
  using layer = new Linear(gpu, 3, 2, { rng: new Rng(1) });
  expect(layer.stateDict()).toMatchObject({ weight: { shape: [2, 3] }, bias: { shape: [2] } });
  using x = gpu.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
    shape,
  );
  using y = scope(() => layer.forward(x));
  const [w, b, data] = [await layer.weight.data(), await (layer.bias as Tensor).data(), await x.data()];
  expect(y.shape).toEqual([...shape.slice(0, -1), 2]);
  const got = await y.data();
  got.forEach((v, i) => {
    const [row, out] = [Math.floor(i / 2), i % 2];
    const want = [0, 1, 2].reduce(
      (a, k) => a + (data[3 * row + k] as number) * (w[3 * out + k] as number),
      b[out] as number,
    );
    expect(v).toBeCloseTo(want, 5);
  });
});

test('Linear: first weights as in PyTorch, options, errors', async () => {
  using layer = new Linear(gpu, 16, 100, { rng: new Rng(1) });
  for (const p of [layer.weight, layer.bias as Tensor]) {
    const largest = Math.max(...Array.from(await p.data(), Math.abs));
    expect(largest).toBeGreaterThan(0.22);
    expect(largest).toBeLessThanOrEqual(0.25);
  }
  using same = new Linear(gpu, 16, 100, { rng: new Rng(1) });
  expect(await same.weight.data()).toEqual(await layer.weight.data());
  using plain = new Linear(gpu, 2, 3, { bias: false, init: ones });
  expect(Object.keys(plain.parameters())).toEqual(['weight']);
  using x = gpu.tensor([[1, 2]]);
  using y = plain.forward(x);
  expect(Array.from(await y.data())).toEqual([3, 3, 3]);
  using bad = gpu.zeros([2, 4]);
  expect(() => layer.forward(bad)).toThrow(new ShapeError('Linear', 'x must have shape [..., 16], got f32[2, 4]'));
});

test('Embedding, its gradient, and padding without one', async () => {
  using layer = new Embedding(gpu, 5, 3, { rng: new Rng(1), paddingIdx: 2 });
  using plain = new Embedding(gpu, 5, 3, { rng: new Rng(1) });
  const table = await plain.weight.data();
  expect(await layer.weight.data()).toEqual(table);
  using indices = gpu.tensor(new Int32Array([4, 2, 0, 2, 4, 1]), [2, 3]);
  const rows = (skip: number) =>
    [4, 2, 0, 2, 4, 1].flatMap((i) => (i === skip ? [0, 0, 0] : Array.from(table.slice(3 * i, 3 * i + 3))));
  using y = scope(() => layer.forward(indices));
  using z = scope(() => plain.forward(indices));
  expect(y.shape).toEqual([2, 3, 3]);
  expect(Array.from(await y.data())).toEqual(rows(2));
  expect(Array.from(await z.data())).toEqual(rows(-1));
  const counts = async (e: Embedding) => {
    const [g] = grad(() => sum(e.forward(indices)), [e.weight]);
    const data = Array.from(await (g as Tensor).data());
    g?.dispose();
    return [0, 3, 6, 9, 12].map((i) => data[i]);
  };
  expect(await counts(layer)).toEqual([1, 1, 0, 0, 2]);
  expect(await counts(plain)).toEqual([1, 1, 2, 0, 2]);
  expect(() => new Embedding(gpu, 5, 3, { paddingIdx: 5 })).toThrow(
    new ArgumentError('Embedding', 'paddingIdx must be in [0, 5), got 5'),
  );
});

test('LayerNorm', async () => {
  using layer = new LayerNorm(gpu, [2, 2]);
  expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
  layer.loadStateDict({
    weight: { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
    bias: { shape: [2, 2], data: new Float32Array([0, 0, 1, 1]) },
  });
  using x = gpu.tensor([
    [
      [1, 3],
      [5, 7],
    ],
    [
      [2, 2],
      [2, 2],
    ],
  ]);
  using y = layer.forward(x);
  const unit = [-3, -1, 1, 3].map((v) => v / Math.sqrt(5));
  const want = [...unit.map((v, i) => (i + 1) * v + (i > 1 ? 1 : 0)), 0, 0, 1, 1];
  Array.from(await y.data()).forEach((v, i) => expect(v).toBeCloseTo(want[i] as number, 4));
  expect(new LayerNorm(gpu, 3, { affine: false }).stateDict()).toEqual({});
  using scaled = new LayerNorm(gpu, 3, { bias: false });
  expect(Object.keys(scaled.stateDict())).toEqual(['weight']);
});

test('Dropout draws a fresh mask in each call, in training only', async () => {
  const layer = new Dropout(0.5, { rng: new Rng(3) });
  using x = gpu.tensor(new Float32Array(50).fill(1));
  const words = philoxWords(layer.seed, 0, 104);
  for (const call of [0, 1]) {
    using y = layer.forward(x);
    expect(Array.from(await y.data())).toEqual(
      Array.from(words.slice(52 * call, 52 * call + 50), (w) => (w < 2 ** 31 ? 0 : 2)),
    );
  }
  layer.offset = 0;
  using again = layer.forward(x);
  expect((await again.data())[0]).toBe((words[0] as number) < 2 ** 31 ? 0 : 2);
  layer.eval();
  expect(layer.forward(x)).toBe(x);
  expect(() => new Dropout(1)).toThrow(new ArgumentError('Dropout', 'p must be in [0, 1), got 1'));
});

class Net extends Module {
  readonly first: Linear;
  readonly drop: Dropout;
  readonly second: Linear;

  constructor(device: Gpu, rng: Rng) {
    super();
    this.first = new Linear(device, 2, 32, { rng });
    this.drop = new Dropout(0.1, { rng });
    this.second = new Linear(device, 32, 1, { rng, biasInit: zeros });
  }

  forward(x: Tensor): Tensor {
    return this.second.forward(this.drop.forward(relu(this.first.forward(x))));
  }
}

test('a network learns, the same in each run, with one submit a step and nothing new once settled', async () => {
  const run = async (device: Gpu, steps: number) => {
    using model = new Net(device, new Rng(7));
    using optimizer = new Adam(model.parameters(), { lr: 0.05, clipNorm: 1 });
    const data = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i));
    using x = device.tensor(data, [64, 2]);
    using target = device.tensor(
      Float32Array.from({ length: 64 }, (_, i) => (data[2 * i] as number) * (data[2 * i + 1] as number)),
      [64, 1],
    );
    const step = () =>
      scope(() => {
        const { value, grads } = valueAndGrad(() => {
          const e = sub(model.forward(x), target);
          return mean(mul(e, e));
        }, model.parameters());
        optimizer.step(grads);
        return value;
      });
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      if (i === 10) device.resetCounters();
      using loss = step();
      losses.push(await loss.item());
    }
    expect(device.counters()).toMatchObject({ submits: steps - 10, buffers: 0, bindGroups: 0, pipelines: 0 });
    return losses;
  };
  await bare(async (device) => {
    const losses = await run(device, 40);
    expect(losses.at(-1)).toBeLessThan(0.3 * (losses[0] as number));
    expect(await run(device, 12)).toEqual(losses.slice(0, 12));
  });
});

test('with the steps of an optimiser as state, the masks change and the backward pass agrees', async () => {
  using p = gpu.tensor(new Float32Array(64).fill(1));
  using optimizer = new Adam([p], { lr: 1e-3 });
  const layer = new Dropout(0.5, { rng: new Rng(1), state: optimizer.steps });
  const masks: string[] = [];
  for (let i = 0; i < 4; i++) {
    layer.offset = 0; // as when a recorded step is submitted again
    const dy = gpu.tensor(new Float32Array(64).fill(1));
    const { outputs, grads } = vjp(() => layer.forward(p), [p], [dy]);
    const g = grads[0] as Tensor;
    optimizer.step([g]);
    const mask = Array.from(await g.data(), (v) => (v > 0 ? 1 : 0)).join('');
    expect(Array.from(await (outputs[0] as Tensor).data(), (v) => (v > 0 ? 1 : 0)).join('')).toBe(mask);
    masks.push(mask);
    for (const t of [dy, g, ...outputs]) t.dispose();
  }
  expect(new Set(masks).size).toBe(4);
});
