import { expect, test } from 'vitest';
import { parameter } from '../../src/nn/parameter.ts';
import { Adam, AdamW, SGD } from '../../src/optim/index.ts';
import { ArgumentError, DisposedError, DTypeError, FoveaError, ShapeError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { gpu } from '../helpers/gpu.ts';
import { agree, first, gradients, make, SHAPES } from './model.ts';

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
        const state = Object.fromEntries(
          await Promise.all(
            Object.entries(optimizer.stateDict()).map(
              async ([n, t]) => [n, { shape: t.shape, data: await t.data() }] as const,
            ),
          ),
        );
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
    return Promise.all(
      params.map(async (p) => {
        const data = await p.data();
        p.dispose();
        return data;
      }),
    );
  };
  expect(await run()).toEqual(await run());
});

test('a zero gradient moves nothing, and gaps between parameters stay zeros', async () => {
  const params = make();
  using optimizer = new Adam(params);
  scope(() => optimizer.step(params.map((p) => gpu.zeros(p.shape))));
  await agree(
    params,
    SHAPES.map((shape, k) => first(k, shape)),
    0,
  );
  using flat = (params[0] as Tensor).reinterpret('f32', [64 * 24], 0);
  const data = await flat.data();
  expect(data.slice(15, 64)).toEqual(new Float32Array(49));
  for (const p of params) p.dispose();
});

test('errors', () => {
  const params = { a: parameter(gpu.zeros([2, 3])), b: parameter(gpu.zeros([4])) };
  using half = gpu.zeros([2], 'i32');
  expect(() => new Adam({})).toThrow(new ArgumentError('Adam', 'params must hold at least one tensor, got none'));
  expect(() => new Adam({ ...params, c: half })).toThrow(
    new DTypeError('Adam', 'params must be f32 (optimisers have no other dtype), got c: i32[2]'),
  );
  expect(() => new Adam([params.a, params.b, params.a])).toThrow(
    new ArgumentError('Adam', 'params must hold each tensor once, got one as 0 and 2'),
  );
  expect(() => new Adam(params, { lr: -1 })).toThrow(new ArgumentError('Adam', 'lr must be >= 0, got -1'));
  expect(() => new AdamW(params, { betas: [0.9, 1] })).toThrow(
    new ArgumentError('AdamW', 'betas[1] must be in [0, 1), got 1'),
  );
  expect(() => new AdamW(params, { eps: 0 })).toThrow(new ArgumentError('AdamW', 'eps must be > 0, got 0'));
  expect(() => new SGD(params, { nesterov: true })).toThrow(
    new ArgumentError('SGD', 'nesterov needs a momentum and no dampening, got 0 and 0'),
  );
  expect(() => new SGD(params, { momentum: Number.NaN })).toThrow(
    new ArgumentError('SGD', 'momentum must be >= 0, got NaN'),
  );
  expect(() => new SGD(params, { clipNorm: 0 })).toThrow(new ArgumentError('SGD', 'clipNorm must be > 0, got 0'));
  const optimizer = new Adam(params);
  expect(() => {
    optimizer.lr = Number.NaN;
  }).toThrow(new ArgumentError('Adam', 'lr must be >= 0, got NaN'));
  expect(() => optimizer.step({ a: params.a, c: params.b })).toThrow(
    new ArgumentError('Adam', 'grads must have the structure of the parameters; missing: b; unknown: c'),
  );
  using wrong = gpu.zeros([5]);
  expect(() => optimizer.step({ a: params.a, b: wrong })).toThrow(
    new ShapeError('Adam', 'the gradient of b must be f32[4], got f32[5]'),
  );
  expect(() => optimizer.loadStateDict({ steps: half })).toThrow(ShapeError);
  using later = new SGD(params);
  using g = gpu.zeros([2, 3]);
  using h = gpu.zeros([4]);
  later.step({ a: g, b: h });
  expect(() => optimizer.step({ a: g, b: h })).toThrow(
    new FoveaError('Adam', 'a is in the hands of another optimiser, made later'),
  );
  optimizer.dispose();
  expect(() => optimizer.step({ a: g, b: h })).toThrow(DisposedError);
  params.a.dispose();
  params.b.dispose();
});
