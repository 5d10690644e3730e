import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { mul } from '../../src/ops/binary.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { advance } from '../../src/ops/random.ts';
import { sum } from '../../src/ops/reduce.ts';
import { philoxWords } from '../../src/random/philox.ts';
import { ArgumentError, DTypeError, LimitError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu, guards } from '../helpers/gpu.ts';

/** The definition: what is kept is divided by 1 - p. */
const reference =
  (p: number, seed: number, offset = 0, step = 0) =>
  (x: Nd): Nd => {
    const words = philoxWords(seed, offset, x.data.length, step);
    return { shape: x.shape, data: x.data.map((v, i) => ((words[i] as number) < p * 2 ** 32 ? 0 : v / (1 - p))) };
  };

describe('against the definition, with its gradient', () => {
  test.each([[1], [3], [4], [5], [255, 4], [32, 32], [41, 25], [2, 3, 4, 5], [0, 3], []].map((shape) => [shape]))(
    'shape %j',
    async (shape) => {
      await checkOp(gpu, (x) => dropout(x, { p: 0.3, seed: 5 }), reference(0.3, 5), [shape], {
        gradient: shape.length !== 2,
      });
    },
  );

  test.each([1, 2, 3, 4, 2 ** 34 - 3])('offset %i', async (offset) => {
    await checkOp(gpu, (x) => dropout(x, { p: 0.5, seed: 2 ** 40 + 1, offset }), reference(0.5, 2 ** 40 + 1, offset), [
      [3, 7],
    ]);
  });

  test.each([
    [1024, 0],
    [1020, 4],
    [1028, 2 ** 34 - 4],
    [1021, 0],
    [1024, 2],
  ])('%i elements from offset %i: the kernels with and without vec4', async (size, offset) => {
    const options = { p: 0.2, seed: 3, offset };
    await checkOp(gpu, (x) => dropout(x, options), reference(0.2, 3, offset), [[size]], { gradient: false });
  });

  test.each([1e-12, 0.1, 0.999, 1 - 2 ** -40])('p = %d', async (p) => {
    await checkOp(gpu, (x) => dropout(x, { p, seed: 1 }), reference(p, 1), [[97]]);
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([3], 'f16')).toThrow(LimitError);
      return;
    }
    for (const [shape, offset] of [
      [[101], 1],
      [[96], 0],
    ] as const) {
      const options = { p: 0.25, seed: 5, offset };
      await checkOp(gpu, (x) => dropout(x, options), reference(0.25, 5, offset), [{ shape, dtype: 'f16' }]);
    }
  });

  test('with a state', async () => {
    const state = gpu.tensor([9], [1], { dtype: 'u32' });
    await checkOp(gpu, (x) => dropout(x, { p: 0.5, seed: 3, state }), reference(0.5, 3, 0, 9), [[50]]);
    state.dispose();
  });
});

test('p = 0, and evaluation, give x itself', () => {
  using x = gpu.tensor([1, 2, 3]);
  expect(dropout(x, { p: 0, seed: 1 })).toBe(x);
  expect(dropout(x, { p: 0.5, seed: 1, training: false })).toBe(x);
});

test('the share of dropped elements is p, and the mean stays', async () => {
  const n = 1 << 17;
  for (const p of [0.1, 0.5, 0.9]) {
    using y = scope(() => dropout(gpu.tensor(new Float32Array(n).fill(1)), { p, seed: 99 }));
    const data = await y.data();
    const dropped = data.filter((v) => v === 0).length / n;
    expect(Math.abs(dropped - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
    expect(new Set(data)).toEqual(new Set([0, Math.fround(1 / (1 - p))]));
  }
});

test('what is dropped is 0 though x is NaN or infinite', async () => {
  using y = scope(() => dropout(gpu.tensor(new Float32Array(64).fill(Number.NaN)), { p: 0.5, seed: 1 }));
  const words = philoxWords(1, 0, 64);
  expect(Array.from(await y.data(), (v) => v === 0)).toEqual(Array.from(words, (w) => w < 2 ** 31));
});

test('the backward pass has the mask of the forward pass, though the state was disposed in between', async () => {
  using x = gpu.tensor(new Float32Array(40).fill(1));
  const { value, grads, aux } = valueAndGrad(() => {
    const state = gpu.tensor([4], [1], { dtype: 'u32' });
    const y = dropout(x, { p: 0.5, seed: 8, state });
    return { loss: sum(y), aux: y };
  }, [x]);
  expect(await (grads[0] as typeof x).data()).toEqual(await aux.data());
  for (const t of [value, aux, ...grads]) t.dispose();
});

test('second order: the gradient of a gradient goes through the same mask', async () => {
  // f = sum(d(x)^2), d linear with factors k: grad = 2 k^2 x, and the gradient of <grad, v> is 2 k^2 v.
  using x = gpu.tensor(Float32Array.from({ length: 37 }, (_, i) => i - 18));
  using v = gpu.tensor(Float32Array.from({ length: 37 }, (_, i) => Math.cos(i)));
  const f = () => {
    const y = dropout(x, { p: 0.4, seed: 6, offset: 1 });
    return sum(mul(y, y));
  };
  const { outputs, grads } = vjp(() => [grad(f, [x])[0] as typeof x], [x], [v]);
  const k = reference(0.4, 6, 1)({ shape: [37], data: new Float64Array(37).fill(1) }).data;
  const [first, second] = [await outputs[0]?.data(), await grads[0]?.data()];
  k.forEach((c, i) => {
    expect(first?.[i]).toBeCloseTo(2 * c * c * (i - 18), 3);
    expect(second?.[i]).toBeCloseTo(2 * c * c * Math.cos(i), 5);
  });
  for (const t of [...outputs, ...grads]) t.dispose();
});

test('a training loop draws fresh masks, reproducible from the seed, and creates nothing', async () => {
  using x = gpu.tensor(new Float32Array(64).fill(1));
  using state = gpu.zeros([1], 'u32');
  const step = () => {
    const g = grad(() => sum(dropout(x, { p: 0.5, seed: 1, state })), [x]);
    advance(state);
    return g[0] as typeof x;
  };
  const masks: string[] = [];
  for (let i = 0; i < 6; i++) {
    if (i === 2) gpu.resetCounters();
    using g = step();
    masks.push((await g.data()).join(''));
  }
  expect(new Set(masks).size).toBe(6);
  expect(gpu.counters()).toMatchObject({ bindGroups: 0, pipelines: 0, buffers: 0 });
  gpu.fillWords(state, 3);
  using again = step();
  expect((await again.data()).join('')).toBe(masks[3]);
  await guards.verify();
});

test('errors', () => {
  using x = gpu.zeros([2, 3]);
  using i = gpu.zeros([2], 'i32');
  for (const p of [1, -0.1, 2, Number.NaN])
    expect(() => dropout(x, { p, seed: 1 })).toThrow(new ArgumentError('dropout', `p must be in [0, 1), got ${p}`));
  expect(() => dropout(x, { p: 0.5, seed: -1 })).toThrow(/^dropout: seed must be/);
  expect(() => dropout(x, { p: 0.5, seed: 1, offset: -1 })).toThrow(
    /^dropout: offset must be a whole number in \[0, 2\^53 - 6\], got -1$/,
  );
  expect(() => dropout(i, { p: 0.5, seed: 1 })).toThrow(new DTypeError('dropout', 'x must be f32 or f16, got i32[2]'));
  expect(() => dropout(x, { p: 0.5, seed: 1, state: x })).toThrow(
    new DTypeError('dropout', 'state must be u32, got f32[2, 3]'),
  );
});
