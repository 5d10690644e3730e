import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/tape.ts';
import { type Shape, sizeOf } from '../../src/host.ts';
import { mul } from '../../src/ops/binary.ts';
import { gumbelSoftmax } from '../../src/ops/gumbel_softmax.ts';
import { hardmax } from '../../src/ops/hardmax.ts';
import { advance } from '../../src/ops/random.ts';
import { sum } from '../../src/ops/reduce.ts';
import { philoxWords } from '../../src/random/philox.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { alongAxis, nd } from '../helpers/nd.ts';

/** The sample, in f64, from the words of the stream. */
function definition({ seed = 0, offset = 0, temperature = 1, axis = -1 }) {
  return (x: Nd): Nd => {
    const words = philoxWords(seed, offset, x.data.length);
    const noisy = x.data.map(
      (v, i) => v - Math.log(-Math.log((Math.floor((words[i] as number) / 512) + 0.5) / 2 ** 23)),
    );
    return alongAxis({ shape: x.shape, data: noisy }, axis, (row) => {
      const m = Math.max(...row);
      const e = row.map((v) => Math.exp((v - m) / temperature));
      const s = e.reduce((a, b) => a + b, 0);
      return e.map((v) => v / s);
    });
  };
}

const firstMaximum = (row: number[]): number[] => row.map((_, i) => (i === row.indexOf(Math.max(...row)) ? 1 : 0));

describe('gumbelSoftmax', () => {
  test.each([
    [[7], -1, { seed: 1 }],
    [[3, 5], 0, { seed: 2, temperature: 0.5 }],
    [[4, 8], -1, { seed: 2 ** 53 - 1, temperature: 2, offset: 3 }],
    [[2, 3, 4], 1, { seed: 3, offset: 2 ** 34 - 6 }],
    [[257, 5], 1, { seed: 4, temperature: 5 }],
  ] as const)('%j along %i, %j: the sample of its stream, with gradients', async (shape, axis, options) => {
    await checkOp(gpu, (x) => gumbelSoftmax(x, { ...options, axis }), definition({ ...options, axis }), [shape], {
      gradient: sizeOf(shape) < 100,
    });
  });

  test.each([
    ['smallest', 7_112_849],
    ['largest', 9_769_685],
  ])('the %s number that there is, found in the stream of seed 1', async (_, place) => {
    const options = { seed: 1, offset: place - 1 };
    await checkOp(gpu, (x) => gumbelSoftmax(x, options), definition(options), [[3]]);
  });

  test('hard: one-hot where the soft sample is largest, with its gradient', async () => {
    const shape: Shape = [40, 6];
    const x = gpu.tensor(
      Array.from({ length: 240 }, (_, i) => Math.sin(i)),
      shape,
    );
    const dy = gpu.tensor(
      Array.from({ length: 240 }, (_, i) => Math.cos(i)),
      shape,
    );
    for (const axis of [0, 1]) {
      const options = { seed: 5, temperature: 0.7, axis };
      const soft = vjp(() => gumbelSoftmax(x, options), [x], [dy]);
      const hard = vjp(() => gumbelSoftmax(x, { ...options, hard: true }), [x], [dy]);
      const data = Float64Array.from((await soft.outputs[0]?.data()) ?? []);
      const want = alongAxis(nd(shape, data), axis, firstMaximum);
      expect(Float64Array.from((await hard.outputs[0]?.data()) ?? [])).toEqual(want.data);
      expect(await hard.grads[0]?.data()).toEqual(await soft.grads[0]?.data());
    }
  });

  test('the classes come as often as their probabilities say', async () => {
    const [rows, p] = [20_000, [0.1, 0.2, 0.3, 0.4]];
    const x = gpu.tensor(
      Float32Array.from({ length: 4 * rows }, (_, i) => Math.log(p[i % 4] as number)),
      [rows, 4],
    );
    const counts = await sum(gumbelSoftmax(x, { seed: 6, hard: true }), { axis: 0 }).data();
    // Five standard deviations of a binomial.
    for (const [i, q] of p.entries())
      expect(Math.abs((counts[i] as number) - rows * q)).toBeLessThan(5 * Math.sqrt(rows * q * (1 - q)));
  });

  test('the same call is the same sample, another seed, offset or state another', async () => {
    const x = gpu.zeros([6, 5]);
    const state = gpu.zeros([1], 'u32');
    const sample = (options: object) => gumbelSoftmax(x, { seed: 7, ...options }).data();
    const first = await sample({});
    expect(await sample({})).toEqual(first);
    expect(await sample({ state })).toEqual(first);
    advance(state);
    for (const other of [{ seed: 8 }, { offset: 1 }, { state }]) expect(await sample(other)).not.toEqual(first);
  });

  test('its gradient has a gradient', async () => {
    const options = { seed: 9, temperature: 0.8 };
    await checkHessian(
      gpu,
      (x) => gumbelSoftmax(x, options),
      definition(options),
      [[3, 4]].map((shape) => ({ shape })),
    );
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const input = { shape: [5, 9], dtype: 'f16' as const };
    // The noisy logits are rounded to f16, up to 2^-8 of those near 16.
    await checkOp(gpu, (x) => gumbelSoftmax(x, { seed: 3 }), definition({ seed: 3 }), [input], { forward: 4e-3 });
  });

  test('two dispatches forward, one backward', async () => {
    const bare = await Gpu.create();
    const x = bare.zeros([4, 8]);
    bare.resetCounters();
    vjp(() => gumbelSoftmax(x, { seed: 1 }), [x], [x]);
    expect(bare.counters().dispatches).toBe(3);
    bare.destroy();
  });

  test('no elements, and errors', () => {
    const x = gpu.empty([4, 7]);
    expect(gumbelSoftmax(gpu.empty([0, 3]), { seed: 1, hard: true }).shape).toEqual([0, 3]);
    const wrong: [object, string][] = [
      [{ seed: -1 }, 'seed must be a whole number in [0, 2^53), got -1'],
      [{ seed: 1, offset: 0.5 }, 'offset must be a whole number in [0, 2^53 - 28], got 0.5'],
      [{ seed: 1, temperature: 0 }, 'temperature must be a finite number > 0, got 0'],
      [{ seed: 1, axis: 2 }, 'axis must be in [-2, 2), got 2 (x: f32[4, 7])'],
      [{ seed: 1, state: x }, 'state must be u32, got f32[4, 7]'],
    ];
    for (const [options, message] of wrong)
      expect(() => gumbelSoftmax(x, options as { seed: number })).toThrow(`gumbelSoftmax: ${message}`);
    expect(() => gumbelSoftmax(gpu.empty([4], 'i32'), { seed: 1 })).toThrow(
      'gumbelSoftmax: x must be f32 or f16, got i32[4]',
    );
  });
});

describe('hardmax', () => {
  test.each([
    [[7], 0],
    [[3, 5], 0],
    [[3, 5], -1],
    [[2, 3, 4], 1],
    [[2, 3000], 1],
  ] as const)('%j along %i', async (shape, axis) => {
    await checkOp(
      gpu,
      (x) => hardmax(x, { axis }),
      (x) => alongAxis(x, axis, firstMaximum),
      [shape],
      { gradient: false },
    );
  });

  test('the first of equal ones; NaN above all; no gradient', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const x = gpu.tensor([
      [1, 3, 3, 2],
      [-inf, -inf, -inf, -inf],
      [inf, nan, 0, nan],
    ]);
    const { aux, grads } = valueAndGrad(() => {
      const y = hardmax(x);
      return { loss: sum(mul(y, x)), aux: y };
    }, x);
    expect(await aux.array()).toEqual([
      [0, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ]);
    // That of the other factor alone.
    expect(await grads.array()).toEqual(await aux.array());
  });

  test('f16', async () => {
    if (!gpu.features.has('shader-f16')) {
      expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
      return;
    }
    const y: Tensor = hardmax(gpu.tensor([0, 2, 1, 2], [4], { dtype: 'f16' }));
    expect(y.dtype).toBe('f16');
    expect(Array.from(await y.data())).toEqual([0, 1, 0, 0]);
  });

  test('no elements, and errors', () => {
    expect(hardmax(gpu.empty([3, 0])).shape).toEqual([3, 0]);
    const x = gpu.empty([0, 3]);
    expect(grad(() => sum(hardmax(x)), x).shape).toEqual([0, 3]);
    expect(() => hardmax(gpu.empty([4, 7]), { axis: 2 })).toThrow(
      'hardmax: axis must be in [-2, 2), got 2 (x: f32[4, 7])',
    );
    expect(() => hardmax(gpu.empty([4], 'i32'))).toThrow('hardmax: x must be f32 or f16, got i32[4]');
  });
});
