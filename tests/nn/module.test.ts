import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/io/index.ts';
import { Module, Parameter, parameter, Rng } from '../../src/nn/index.ts';
import { mul } from '../../src/ops/binary.ts';
import { Adam } from '../../src/optim/index.ts';
import { FoveaError, ShapeError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bare } from '../helpers/bare.ts';
import { gpu, guards } from '../helpers/gpu.ts';

class Leaf extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  cached: Tensor | null = null; // not a parameter

  constructor(value: number, bias = true) {
    super();
    this.weight = parameter(gpu.tensor([[value, value + 1, value + 2]]));
    this.bias = bias ? parameter(gpu.tensor([value])) : null;
  }
}

class Model extends Module {
  readonly head = new Leaf(1);
  readonly layers = [new Leaf(10), [new Leaf(20, false)]];
  readonly scale = parameter(gpu.tensor([7]));
  readonly mean = parameter(gpu.tensor([0]), { trainable: false });
  readonly sizes = [1, 2, 3];
  tied: Module | null = null;
  #hidden = gpu.tensor([1]);

  override dispose(): void {
    super.dispose();
    this.#hidden.dispose();
  }
}

const NAMES = ['head.weight', 'head.bias', 'layers.0.weight', 'layers.0.bias', 'layers.1.0.weight', 'scale', 'mean'];

test('parameters and modules are found in the order of declaration', () => {
  using model = new Model();
  model.head.cached = gpu.zeros([1]);
  expect(Object.keys(model.stateDict())).toEqual(NAMES);
  expect(Object.keys(model.parameters())).toEqual(NAMES.slice(0, -1));
  expect(model.stateDict().scale).toBe(model.scale);
  expect(model.namedModules().map(([name]) => name)).toEqual(['', 'head', 'layers.0', 'layers.1.0']);
  expect(model.namedModules()[0]?.[1]).toBe(model);
  model.head.weight.trainable = false;
  expect(Object.keys(model.parameters())).toEqual(NAMES.slice(1, -1));
  model.head.cached.dispose();
});

test('a shared module is trained once and saved under both names, and a child may know its parent', () => {
  using model = new Model();
  model.tied = model.head;
  Object.assign(model.head, { parent: model });
  expect(Object.keys(model.stateDict())).toEqual([...NAMES, 'tied.weight', 'tied.bias']);
  expect(Object.keys(model.parameters())).toEqual(NAMES.slice(0, -1));
});

test('train and eval reach every module', () => {
  using model = new Model();
  const modes = () => model.namedModules().map(([, m]) => m.training);
  expect(modes()).toEqual([true, true, true, true]);
  expect(model.eval()).toBe(model);
  expect(modes()).toEqual([false, false, false, false]);
  model.train();
  expect(modes()).toEqual([true, true, true, true]);
});

// Counted on a device of its own, where nobody else's tensors are collected meanwhile.
test('parameters live until they are disposed, whatever scope they are made in', () =>
  bare(async (own) => {
    class Inner extends Module {
      readonly weight = parameter(own.tensor([1, 2]));
      readonly mean = parameter(own.tensor([0]), { trainable: false });
    }
    class Outer extends Module {
      readonly layers = [new Inner(), [new Inner()]];
      readonly scale = parameter(own.tensor([7]));
    }
    const { tensors, live } = own.memory();
    const model = scope(() => {
      const inner = new Outer();
      return { count: Object.keys(inner.stateDict()).length, inner };
    }).inner;
    expect(own.memory().tensors).toBe(tensors + 5);
    expect(await model.scale.data()).toEqual(new Float32Array([7]));
    model.dispose();
    model.dispose();
    expect(model.scale.disposed).toBe(true);
    expect(own.memory()).toMatchObject({ tensors, live });
  }));

test('a parameter leaves its tensor alone', () => {
  const x = gpu.zeros([2]);
  const p = parameter(x);
  expect([x.disposed, p instanceof Parameter, p.trainable]).toEqual([true, true, true]);
  p.dispose();
});

describe('loadStateDict', () => {
  const host = (model: Module) =>
    Object.entries(model.stateDict()).map(
      ([name, t], k) => [name, { shape: t.shape, data: new Float32Array(t.size).map((_, i) => 100 * k + i) }] as const,
    );
  const values = async (model: Module) =>
    Promise.all(Object.values(model.stateDict()).map(async (t) => Array.from(await t.data())));

  test('from host data, a record or a map, into the memory that is there', async () => {
    using model = new Model();
    const { storage } = model.scale;
    for (const state of [Object.fromEntries(host(model)), new Map(host(model))]) {
      expect(model.loadStateDict(state)).toEqual({ missing: [], unexpected: [] });
      expect(await values(model)).toEqual([[0, 1, 2], [100], [200, 201, 202], [300], [400, 401, 402], [500], [600]]);
      scope(() =>
        model.loadStateDict(
          Object.fromEntries(Object.entries(model.stateDict()).map(([n, t]) => [n, gpu.zeros(t.shape)])),
        ),
      );
      expect((await values(model)).flat().every((v) => v === 0)).toBe(true);
    }
    expect(model.scale.storage).toBe(storage);
    await guards.verify();
  });

  test('from a file, converting its types', async () => {
    using model = new Leaf(0);
    const file = writeSafetensors({
      weight: { shape: [1, 3], data: new Float64Array([1.5, -2, 3]) },
      bias: { shape: [1], data: new BigInt64Array([4n]) },
    });
    model.loadStateDict(readSafetensors(file).tensors);
    expect(await values(model)).toEqual([[1.5, -2, 3], [4]]);
  });

  test("into an optimiser's flat storage, from tensors that lie in it too", async () => {
    using a = new Leaf(1);
    using b = new Leaf(5);
    using optimizer = new Adam([...Object.values(a.parameters()), ...Object.values(b.parameters())]);
    a.loadStateDict(b.stateDict());
    expect(await values(a)).toEqual([[5, 6, 7], [5]]);
    a.loadStateDict(a.stateDict());
    expect(await values(a)).toEqual([[5, 6, 7], [5]]);
    expect(optimizer.lr).toBe(1e-3);
    class Pair extends Module {
      readonly x = parameter(gpu.tensor([1, 2]));
      readonly y = parameter(gpu.tensor([3, 4]));
    }
    using pair = new Pair();
    pair.loadStateDict({ x: pair.y, y: pair.x }); // each must be read before it is written
    expect(await values(pair)).toEqual([
      [3, 4],
      [1, 2],
    ]);
    await guards.verify();
  });

  test('while work that reads the old values is recorded but not submitted', async () => {
    using model = new Leaf(1, false);
    using y = mul(model.weight, 2);
    model.loadStateDict({ weight: { shape: [1, 3], data: new Float32Array([7, 8, 9]) } });
    using z = mul(model.weight, 2);
    expect(Array.from(await y.data())).toEqual([2, 4, 6]);
    expect(Array.from(await z.data())).toEqual([14, 16, 18]);
  });

  test('lists everything that does not fit, and changes nothing', async () => {
    using model = new Model();
    const before = await values(model);
    const gone = gpu.zeros([1]);
    gone.dispose();
    const state = {
      ...Object.fromEntries(host(model).slice(2)),
      extra: { shape: [1], data: new Float32Array(1) },
      more: { shape: [1], data: new Float32Array(1) },
      'layers.0.weight': { shape: [3], data: new Float32Array(3) },
      'layers.0.bias': { shape: [1], data: new Float32Array(2) },
      scale: gone,
    };
    using ints = gpu.zeros([1], 'i32');
    const message =
      'nothing was loaded, for not all fits; missing: head.weight, head.bias; unexpected: extra, more; wrong: ' +
      'layers.0.weight must be f32[1, 3], got [3], layers.0.bias shape [1] holds 1 elements, data has 2, ' +
      'scale must be f32[1], got a tensor that was disposed, mean must be f32[1], got i32[1]';
    expect(() => model.loadStateDict({ ...state, mean: ints })).toThrow(new ShapeError('loadStateDict', message));
    expect(() => model.loadStateDict({ ...state, mean: ints }, { strict: false })).toThrow(
      /^loadStateDict: nothing was loaded, for not all fits; wrong: layers/,
    );
    expect(await values(model)).toEqual(before);
  });

  test('not strict: what is there is loaded, and the rest reported', async () => {
    using model = new Leaf(1);
    const state = {
      bias: { shape: [1], data: new Float32Array([9]) },
      other: { shape: [], data: new Float32Array(1) },
    };
    expect(model.loadStateDict(state, { strict: false })).toEqual({ missing: ['weight'], unexpected: ['other'] });
    expect(await values(model)).toEqual([[1, 2, 3], [9]]);
    expect(() => model.loadStateDict({ toString: state.bias, bias: state.bias, weight: state.other })).toThrow(
      FoveaError,
    );
  });
});

test('an Rng hands out the same seeds each time, all different', () => {
  const draw = (rng: Rng) => Array.from({ length: 1000 }, () => rng.next());
  const seeds = draw(new Rng(1));
  expect(draw(new Rng(1))).toEqual(seeds);
  expect(new Set([...seeds, ...draw(new Rng(2))]).size).toBe(2000);
  expect(seeds.every((s) => Number.isSafeInteger(s) && s >= 0)).toBe(true);
  const rng = new Rng(1);
  rng.drawn = 500;
  expect(rng.next()).toBe(seeds[500]);
  expect(new Rng().seed).not.toBe(new Rng().seed);
  expect(() => new Rng(-1)).toThrow('Rng: seed must be a whole number in [0, 2^53), got -1');
});
