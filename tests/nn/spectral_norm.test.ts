import { expect, test } from 'vitest';
import { valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { Linear, Module, type Parameter, parameter, Rng, spectralNorm } from '../../src/nn/index.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { randn } from '../../src/ops/random.ts';
import { sum } from '../../src/ops/reduce.ts';
import { SGD } from '../../src/optim/index.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { Nd } from '../../src/testing/check.ts';
import { bare } from '../helpers/bare.ts';
import { gpu } from '../helpers/gpu.ts';

/** A layer with nothing but a weight, as a convolution has one. */
class Weighted extends Module {
  readonly weight: Parameter;
  constructor(weight: Tensor) {
    super();
    this.weight = parameter(weight);
  }
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((s, v, i) => s + v * (b[i] as number), 0);
const unit = (a: readonly number[]) => a.map((v) => v / Math.sqrt(dot(a, a)));

/** The rows of a matrix, from its elements. */
const rowsOf = (data: ArrayLike<number>, cols: number): number[][] =>
  Array.from({ length: data.length / cols }, (_, r) => Array.from({ length: cols }, (_, c) => data[r * cols + c] ?? 0));

/** u and v after one step of the power iteration from v. */
function step(rows: readonly number[][], v: readonly number[]): { u: number[]; v: number[] } {
  const u = unit(rows.map((row) => dot(row, v)));
  return { u, v: unit(v.map((_, c) => rows.reduce((s, row, r) => s + (row[c] as number) * (u[r] as number), 0))) };
}

const numbers = async (t: Tensor | undefined) => Array.from(await (t as Tensor).data());

/** Its singular values are known: 3, 2 and 1, turned by two rotations. */
function known(shape: readonly number[]): Tensor {
  const turn = (i: number, j: number, a: number) =>
    [0, 1, 2].map((r) =>
      [0, 1, 2].map((c) =>
        r === c
          ? r === i || r === j
            ? Math.cos(a)
            : 1
          : r === i && c === j
            ? -Math.sin(a)
            : r === j && c === i
              ? Math.sin(a)
              : 0,
      ),
    );
  const times = (a: number[][], b: number[][]) =>
    a.map((row) =>
      [0, 1, 2].map((c) =>
        dot(
          row,
          b.map((r) => r[c] as number),
        ),
      ),
    );
  const diagonal = [3, 2, 1].map((s, i) => [0, 1, 2].map((j) => (i === j ? s : 0)));
  return gpu.tensor(times(times(turn(0, 1, 0.7), diagonal), turn(1, 2, 1.1)).flat(), shape);
}

test('the largest singular value becomes 1', async () => {
  for (const shape of [
    [3, 3],
    [3, 1, 3],
  ]) {
    using plain = known(shape);
    const before = await numbers(plain);
    using layer = spectralNorm(new Weighted(known(shape)), { rng: new Rng(1), nPowerIterations: 10 });
    const weight = layer.weight;
    expect(weight.shape).toEqual(shape);
    (await numbers(weight)).forEach((v, i) => {
      expect(v).toBeCloseTo((before[i] as number) / 3, 5);
    });
  }
});

test("PyTorch's names; the original is what is trained; modes reach the iteration", () => {
  using layer = new Linear(gpu, 3, 2, { rng: new Rng(1) });
  const { weight } = layer;
  expect(spectralNorm(layer)).toBe(layer);
  const names = [
    'bias',
    'parametrizations.weight.original',
    'parametrizations.weight.0._u',
    'parametrizations.weight.0._v',
  ];
  expect(Object.keys(layer.stateDict()).sort()).toEqual(names.sort());
  expect(layer.stateDict()).toMatchObject({
    'parametrizations.weight.0._u': { shape: [2] },
    'parametrizations.weight.0._v': { shape: [3] },
  });
  expect(Object.keys(layer.parameters()).sort()).toEqual(['bias', 'parametrizations.weight.original']);
  expect(layer.parameters()['parametrizations.weight.original']).toBe(weight);
  layer.eval();
  expect(layer.namedModules().every(([, m]) => !m.training)).toBe(true);
});

test('one step of the power iteration each time in training, none in evaluation', async () => {
  using layer = spectralNorm(new Linear(gpu, 4, 3, { rng: new Rng(1), bias: false }), { rng: new Rng(2) });
  const state = async () => {
    const dict = layer.stateDict();
    const [u, v, w] = ['0._u', '0._v', 'original'].map((name) => numbers(dict[`parametrizations.weight.${name}`]));
    return { u: (await u) as number[], v: (await v) as number[], rows: rowsOf((await w) as number[], 4) };
  };
  const x = gpu.tensor([[1, -2, 3, 0.5]]);
  for (let i = 0; i < 3; i++) {
    const before = await state();
    const want = step(before.rows, before.v);
    const y = await numbers(layer.forward(x));
    const after = await state();
    for (const side of ['u', 'v'] as const)
      after[side].forEach((value, k) => {
        expect(value).toBeCloseTo(want[side][k] as number, 5);
      });
    const sigma = dot(
      want.u,
      before.rows.map((row) => dot(row, want.v)),
    );
    y.forEach((value, r) => {
      expect(value).toBeCloseTo(dot(before.rows[r] as number[], [1, -2, 3, 0.5]) / sigma, 5);
    });
  }
  const before = await state();
  layer.eval().forward(x);
  expect(await state()).toEqual(before);
});

test('the gradient runs through sigma, with u and v constant', async () => {
  for (const [shape, dim] of [
    [[3, 5], 0],
    [[3, 2, 2], 0],
    [[4, 3, 2], 1],
  ] as const) {
    using source = new Weighted(randn(gpu, shape, { seed: 3 }));
    using layer = spectralNorm(source, { rng: new Rng(4), dim });
    layer.eval();
    const dict = layer.stateDict();
    const [u, v] = [
      await numbers(dict['parametrizations.weight.0._u']),
      await numbers(dict['parametrizations.weight.0._v']),
    ];
    const original = dict['parametrizations.weight.original'] as Tensor;
    // The place of an element in the matrix [outputs, the rest].
    const inner = dim === 0 ? 1 : (shape[2] as number);
    const outputs = shape[dim] as number;
    const place = (i: number) =>
      dim === 0
        ? [Math.floor(i / v.length), i % v.length]
        : [Math.floor(i / inner) % outputs, Math.floor(i / (inner * outputs)) * inner + (i % inner)];
    const reference = (w: Nd): Nd => {
      let sigma = 0;
      w.data.forEach((value, i) => {
        const [r, c] = place(i) as [number, number];
        sigma += (u[r] as number) * value * (v[c] as number);
      });
      return { shape: w.shape, data: w.data.map((value) => value / sigma) };
    };
    const data = await original.data();
    const want = reference({ shape, data: Float64Array.from(data) }).data;
    (await numbers(layer.weight)).forEach((value, i) => {
      expect(value).toBeCloseTo(want[i] as number, 5);
    });
    const dy = randn(gpu, shape, { seed: 9 });
    const { grads } = vjp(() => layer.weight, [original], [dy]);
    const [got, seed] = [await numbers(grads[0] as Tensor), await numbers(dy)];
    const at = (step: number, k: number) =>
      reference({ shape, data: Float64Array.from(data, (value, i) => value + (i === k ? step : 0)) }).data.reduce(
        (total, value, i) => total + value * (seed[i] as number),
        0,
      );
    got.forEach((value, k) => {
      expect(value).toBeCloseTo((at(1e-4, k) - at(-1e-4, k)) / 2e-4, 4);
    });
  }
});

test('two uses in one step keep their own vectors', async () => {
  using layer = spectralNorm(new Weighted(randn(gpu, [4, 5], { seed: 3 })), { rng: new Rng(5) });
  const dict = layer.stateDict();
  const original = dict['parametrizations.weight.original'] as Tensor;
  // Far from the singular vector, so that the two uses differ.
  gpu.copyInto(dict['parametrizations.weight.0._v'] as Tensor, gpu.tensor([1, 0, 0, 0, 0]));
  const rows = rowsOf(await numbers(original), 5);
  const first = step(rows, await numbers(dict['parametrizations.weight.0._v']));
  const second = step(rows, first.v);
  const { grads } = vjp(
    () => add(layer.weight, layer.weight),
    [original],
    [gpu.tensor(new Float32Array(20).fill(1), [4, 5])],
  );
  const total = rows.flat().reduce((a, b) => a + b, 0);
  const got = await numbers(grads[0] as Tensor);
  got.forEach((value, i) => {
    const part = ({ u, v }: { u: number[]; v: number[] }) => {
      const sigma = dot(
        u,
        rows.map((row) => dot(row, v)),
      );
      return 1 / sigma - (total / sigma ** 2) * (u[Math.floor(i / 5)] as number) * (v[i % 5] as number);
    };
    expect(value).toBeCloseTo(part(first) + part(second), 4);
  });
});

test('one submit a step, and nothing new once settled', () =>
  bare(async (device) => {
    using layer = spectralNorm(new Linear(device, 6, 4, { rng: new Rng(1) }), { rng: new Rng(2) });
    using optimizer = new SGD(layer.parameters(), { lr: 0.01 });
    using x = device.tensor(
      Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      [2, 6],
    );
    for (let i = 0; i < 8; i++) {
      if (i === 4) device.resetCounters();
      using loss = scope(() => {
        const { value, grads } = valueAndGrad(() => {
          const y = layer.forward(x);
          return sum(mul(y, y));
        }, layer.parameters());
        optimizer.step(grads);
        return value;
      });
      await loss.item();
    }
    expect(device.counters()).toMatchObject({ submits: 4, buffers: 0, bindGroups: 0, pipelines: 0 });
  }));

test('errors', () => {
  using layer = new Linear(gpu, 3, 2);
  const call = (options: object) => () => spectralNorm(layer, options);
  expect(call({ dim: 2 })).toThrow('spectralNorm: dim must be in [0, 2), got 2 (weight: f32[2, 3])');
  expect(call({ nPowerIterations: 0 })).toThrow(
    'spectralNorm: nPowerIterations must be a whole number of at least 1, got 0',
  );
  expect(call({ eps: -1 })).toThrow('spectralNorm: eps must be at least 0, got -1');
  expect(() => spectralNorm(new Weighted(gpu.zeros([3])))).toThrow(
    'spectralNorm: weight must have two or more axes and elements, got f32[3]',
  );
  spectralNorm(layer);
  expect(call({})).toThrow('spectralNorm: the weight of layer is normalised already');
});
