import { describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import type { Shape } from '../../src/host.ts';
import { sizeOf } from '../../src/host.ts';
import { parameter } from '../../src/nn/parameter.ts';
import { add, mul } from '../../src/ops/binary.ts';
import { randn } from '../../src/ops/random.ts';
import { sum } from '../../src/ops/reduce.ts';
import { Adam, AdamW, cosineDecay, type Optimizer, SGD } from '../../src/optim/index.ts';
import { philoxNormals } from '../../src/random/philox.ts';
import { ArgumentError, DisposedError, DTypeError, FoveaError, ShapeError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import { expectClose } from '../../src/testing/check.ts';
import type { Guards, Poison } from '../../src/testing/guard.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bare } from '../helpers/bare.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { adamReference, clipReference, type Reference, sgdReference } from './reference.ts';

/** Nine tensors, so that packing takes two dispatches: odd sizes, one element, none, exactly a block, beyond a workgroup. */
const SHAPES: readonly Shape[] = [[3, 5], [1], [0, 4], [64], [65], [7, 11, 13], [], [127], [2, 2]];

const first = (k: number, shape: Shape): Float64Array => philoxNormals(1, 1000 * k, sizeOf(shape)).map(Math.fround);
const gradient = (step: number, k: number, shape: Shape): Float64Array => philoxNormals(2 + step, 1000 * k, sizeOf(shape)).map((v) => Math.fround(v * 10 ** (k - 4)));

function make(shapes = SHAPES): Tensor[] {
  return shapes.map((shape, k) => parameter(gpu.tensor(Float32Array.from(first(k, shape)), shape)));
}

function gradients(step: number): Tensor[] {
  return SHAPES.map((shape, k) => gpu.tensor(Float32Array.from(gradient(step, k, shape)), shape));
}

async function agree(params: readonly Tensor[], want: readonly Float64Array[], rms: number): Promise<void> {
  for (const [k, p] of params.entries()) {
    const data = want[k] as Float64Array;
    expectClose(`parameter ${k}`, { shape: p.shape, data: await p.data() }, { shape: p.shape, data }, rms);
  }
}

type Make = (params: Tensor[]) => Optimizer;
const CASES: [string, Make, () => Reference, number | undefined][] = [
  ['Adam', (p) => new Adam(p, { lr: 0.01 }), () => adamReference(), undefined],
  ['Adam, other betas, eps, decay', (p) => new Adam(p, { lr: 0.01, betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0.1 }), () => adamReference({ betas: [0.8, 0.95], eps: 1e-3, decay: 0.1 }), undefined],
  ['Adam without means', (p) => new Adam(p, { lr: 0.01, betas: [0, 0], eps: 1e-4 }), () => adamReference({ betas: [0, 0], eps: 1e-4 }), undefined],
  ['Adam, clipped', (p) => new Adam(p, { lr: 0.01, clipNorm: 2, eps: 1e-4 }), () => adamReference({ eps: 1e-4 }), 2],
  ['AdamW', (p) => new AdamW(p, { lr: 0.01 }), () => adamReference({ decay: 0.01, decoupled: true }), undefined],
  ['AdamW, strong decay, clipped', (p) => new AdamW(p, { lr: 0.01, weightDecay: 1, clipNorm: 1e6 }), () => adamReference({ decay: 1, decoupled: true }), 1e6],
  ['SGD', (p) => new SGD(p, { lr: 0.01 }), () => sgdReference(), undefined],
  ['SGD, decay, clipped', (p) => new SGD(p, { lr: 0.01, weightDecay: 0.1, clipNorm: 5 }), () => sgdReference({ decay: 0.1 }), 5],
  ['SGD, momentum', (p) => new SGD(p, { lr: 0.01, momentum: 0.9 }), () => sgdReference({ momentum: 0.9 }), undefined],
  ['SGD, dampening', (p) => new SGD(p, { lr: 0.01, momentum: 0.9, dampening: 0.5 }), () => sgdReference({ momentum: 0.9, dampening: 0.5 }), undefined],
  ['SGD, Nesterov', (p) => new SGD(p, { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0.01 }), () => sgdReference({ momentum: 0.9, nesterov: true, decay: 0.01 }), undefined],
];

describe('150 steps against PyTorch in doubles, learning rate on a cosine', () => {
  test.each(CASES)('%s', async (_, makeOptimizer, makeReference, clip) => {
    const rate = cosineDecay(0.02, 200);
    const params = make();
    using optimizer = makeOptimizer(params);
    const want = SHAPES.map((shape, k) => first(k, shape));
    const reference = makeReference();
    for (let step = 0; step < 150; step++) {
      (gpu.debug as Guards).poison = (['nan', 'large'] satisfies Poison[])[step % 2] as Poison;
      optimizer.lr = rate(step);
      scope(() => optimizer.step(gradients(step)));
      const g = SHAPES.map((shape, k) => gradient(step, k, shape));
      const clipped = clip === undefined ? null : clipReference(g, clip);
      reference.step(want, clipped?.grads ?? g, rate(step));
      if (step === 0) await agree(params, want, 1e-6);
      if (clipped && step % 50 === 0) expect(await optimizer.gradNorm.item()).toBeCloseTo(clipped.norm, -Math.log10(clipped.norm) + 5);
    }
    await agree(params, want, 1e-5);
    expect(await optimizer.steps.item()).toBe(150);
    await guards.verify();
    for (const p of params) p.dispose();
  });
});

test('10,000 steps of Adam stay within 1e-5 of PyTorch in doubles', () => bare(async () => {
  const shapes = [[5, 3], [17]];
  const params = make(shapes);
  using optimizer = new Adam(params, { lr: 1e-3 });
  const want = shapes.map((shape, k) => first(k, shape));
  const reference = adamReference();
  // Noise around a mean, so that the parameters move a long way; drawn on both sides, since no two steps may be alike: rounding would repeat.
  for (let step = 0; step < 10_000; step++) {
    scope(() => optimizer.step(shapes.map((shape, k) => randn(gpu, shape, { seed: step, offset: 100 * k, mean: 0.3 }))));
    const g = shapes.map((shape, k) => philoxNormals(step, 100 * k, sizeOf(shape)).map((z) => 0.3 + z));
    reference.step(want, g, 1e-3);
    if (step % 1000 === 999) await gpu.sync();
  }
  await agree(params, want, 1e-5);
  for (const p of params) p.dispose();
}), 60_000);

test.each([[{}], [{ clipNorm: 1 }]])('a step costs ceil(n / 7) + 2 dispatches and creates nothing once settled: %j', (options) => bare(async () => {
  const params = make([...SHAPES, [33], [34], [35], [36], [37], [38]]);
  using optimizer = new AdamW(params, { lr: 0.01, ...options });
  const step = (i: number) => scope(() => {
    optimizer.lr = 1 / (i + 1);
    const { grads } = valueAndGrad(() => params.map((p) => sum(mul(p, p))).reduce((a, b) => add(a, b)), params);
    const before = gpu.counters().dispatches;
    optimizer.step(grads);
    expect(gpu.counters().dispatches - before).toBe(3 + 2);
  });
  const steps = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      step(i);
      await gpu.sync();
    }
  };
  await steps(0, 10);
  gpu.resetCounters();
  const { live, pooled, tensors } = gpu.memory();
  await steps(10, 30);
  expect(gpu.counters()).toMatchObject({ submits: 20, buffers: 0, bytesAllocated: 0, bindGroups: 0, pipelines: 0 });
  expect(gpu.memory()).toMatchObject({ live, pooled, tensors });
  for (const p of params) p.dispose();
}));

test('parameters keep their identity, their value, and their life', async () => {
  const params = make();
  const before = await Promise.all(params.map((p) => p.data()));
  const optimizer = scope(() => {
    new SGD(params).dispose();
    return new Adam({ layer: { weight: params[0] as Tensor }, rest: params.slice(1) });
  });
  for (const [k, p] of params.entries()) {
    expect(await p.data()).toEqual(before[k]);
    expect(p.byteOffset % 256).toBe(0);
  }
  expect(params[3]?.storage).toBe(params[0]?.storage);
  const [weight, ...rest] = gradients(0);
  optimizer.step({ layer: { weight: weight as Tensor }, rest });
  optimizer.dispose();
  const value = await (params[0] as Tensor).data();
  expect(value).not.toEqual(before[0]);
  expect(value.every(Number.isFinite)).toBe(true);
  for (const t of [...params, weight as Tensor, ...rest]) t.dispose();
});

test('memory comes back', () => {
  const before = gpu.memory();
  const params = make();
  const optimizer = new Adam(params);
  scope(() => optimizer.step(gradients(0)));
  optimizer.stateDict();
  optimizer.dispose();
  for (const p of params) p.dispose();
  expect(gpu.memory()).toMatchObject({ live: before.live, tensors: before.tensors });
});

test('a checkpoint continues as if nothing had happened', async () => {
  const run = async (stops: boolean) => {
    let params = make();
    let optimizer = new Adam(params, { lr: 0.01 });
    for (let step = 0; step < 10; step++) {
      if (stops && step === 5) {
        const state = Object.fromEntries(await Promise.all(Object.entries(optimizer.stateDict()).map(async ([n, t]) => [n, { shape: t.shape, data: await t.data() }] as const)));
        expect(Object.keys(state).slice(0, 3)).toEqual(['steps', 'moment1.0', 'moment1.1']);
        const values = await Promise.all(params.map((p) => p.data()));
        optimizer.dispose();
        for (const p of params) p.dispose();
        params = SHAPES.map((shape, k) => parameter(gpu.tensor(values[k] as Float32Array, shape)));
        optimizer = new Adam(params, { lr: 0.01 });
        optimizer.loadStateDict(state);
      }
      scope(() => optimizer.step(gradients(step)));
    }
    const result = await Promise.all(params.map((p) => p.data()));
    optimizer.dispose();
    for (const p of params) p.dispose();
    return result;
  };
  expect(await run(true)).toEqual(await run(false));
});

test('the same bits in each run', async () => {
  const run = async () => {
    const params = make();
    using optimizer = new AdamW(params, { clipNorm: 0.5 });
    for (let step = 0; step < 20; step++) scope(() => optimizer.step(gradients(step)));
    return Promise.all(params.map(async (p) => {
      const data = await p.data();
      p.dispose();
      return data;
    }));
  };
  expect(await run()).toEqual(await run());
});

test('a zero gradient moves nothing, and gaps between parameters stay zeros', async () => {
  const params = make();
  using optimizer = new Adam(params);
  scope(() => optimizer.step(params.map((p) => gpu.zeros(p.shape))));
  await agree(params, SHAPES.map((shape, k) => first(k, shape)), 0);
  using flat = (params[0] as Tensor).reinterpret('f32', [64 * 24], 0);
  const data = await flat.data();
  expect(data.slice(15, 64)).toEqual(new Float32Array(49));
  for (const p of params) p.dispose();
});

test('errors', () => {
  const params = { a: parameter(gpu.zeros([2, 3])), b: parameter(gpu.zeros([4])) };
  using half = gpu.zeros([2], 'i32');
  expect(() => new Adam({})).toThrow(new ArgumentError('Adam', 'params must hold at least one tensor, got none'));
  expect(() => new Adam({ ...params, c: half })).toThrow(new DTypeError('Adam', 'params must be f32 (optimisers have no other dtype), got c: i32[2]'));
  expect(() => new Adam([params.a, params.b, params.a])).toThrow(new ArgumentError('Adam', 'params must hold each tensor once, got one as 0 and 2'));
  expect(() => new Adam(params, { lr: -1 })).toThrow(new ArgumentError('Adam', 'lr must be >= 0, got -1'));
  expect(() => new AdamW(params, { betas: [0.9, 1] })).toThrow(new ArgumentError('AdamW', 'betas[1] must be in [0, 1), got 1'));
  expect(() => new AdamW(params, { eps: 0 })).toThrow(new ArgumentError('AdamW', 'eps must be > 0, got 0'));
  expect(() => new SGD(params, { nesterov: true })).toThrow(new ArgumentError('SGD', 'nesterov needs a momentum and no dampening, got 0 and 0'));
  expect(() => new SGD(params, { momentum: Number.NaN })).toThrow(new ArgumentError('SGD', 'momentum must be >= 0, got NaN'));
  expect(() => new SGD(params, { clipNorm: 0 })).toThrow(new ArgumentError('SGD', 'clipNorm must be > 0, got 0'));
  const optimizer = new Adam(params);
  expect(() => {
    optimizer.lr = Number.NaN;
  }).toThrow(new ArgumentError('Adam', 'lr must be >= 0, got NaN'));
  expect(() => optimizer.step({ a: params.a, c: params.b })).toThrow(new ArgumentError('Adam', 'grads must have the structure of the parameters; missing: b; unknown: c'));
  using wrong = gpu.zeros([5]);
  expect(() => optimizer.step({ a: params.a, b: wrong })).toThrow(new ShapeError('Adam', 'the gradient of b must be f32[4], got f32[5]'));
  expect(() => optimizer.loadStateDict({ steps: half })).toThrow(ShapeError);
  using later = new SGD(params);
  using g = gpu.zeros([2, 3]);
  using h = gpu.zeros([4]);
  later.step({ a: g, b: h });
  expect(() => optimizer.step({ a: g, b: h })).toThrow(new FoveaError('Adam', 'a is in the hands of another optimiser, made later'));
  optimizer.dispose();
  expect(() => optimizer.step({ a: g, b: h })).toThrow(DisposedError);
  params.a.dispose();
  params.b.dispose();
});
