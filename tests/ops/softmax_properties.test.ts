import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sizeOf } from '../../src/host.ts';
import { add } from '../../src/ops/binary.ts';
import { logsumexp } from '../../src/ops/logsumexp.ts';
import { logSoftmax, maskedSoftmax, softmax } from '../../src/ops/softmax.ts';
import { sparsemax } from '../../src/ops/sparsemax.ts';
import { exp } from '../../src/ops/unary.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Tensor } from '../../src/tensor.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu } from '../helpers/gpu.ts';
import { coordinates, nd, reduceNd } from '../helpers/nd.ts';
import { quickPlans } from '../helpers/row_plans.ts';

/** Any shape of up to four axes, one of them, and how the work is shared out. */
const calls = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axis: fc.integer({ min: -shape.length, max: shape.length - 1 }),
      stretch: fc.constantFrom(1, 1, 13),
      plan: fc.constantFrom(undefined, ...quickPlans),
      seed: fc.nat(),
    }),
  )
  // Now and then a longer axis, beyond what a lane holds.
  .map(({ shape, axis, stretch, plan, seed }) => ({
    shape: shape.map((n, i) => (i === (axis + shape.length) % shape.length ? n * stretch : n)),
    options: { axis, ...(plan && { plan }) },
    seed,
  }));

const parameters = { numRuns: 40, seed: 1 };

function sample(shape: readonly number[], seed: number, width = 5): Tensor {
  const random = testRandom(seed);
  return gpu.tensor(
    Array.from({ length: sizeOf(shape) }, () => Math.fround((random() * 2 - 1) * width)),
    shape,
  );
}

async function read(f: () => Tensor): Promise<Float64Array> {
  using t = scope(f);
  return Float64Array.from(await t.data());
}

function expectNear(got: Float64Array, want: ArrayLike<number>, within: number): void {
  got.forEach((v, i) => {
    expect(Math.abs(v - (want[i] as number))).toBeLessThanOrEqual(within);
  });
}

describe('for any shape, axis and plan', () => {
  test('rows sum to 1', () =>
    fc.assert(
      fc.asyncProperty(calls, async ({ shape, options, seed }) => {
        using x = sample(shape, seed);
        const ops = [
          () => softmax(x, options),
          () => exp(logSoftmax(x, options)),
          () => sparsemax(x, { axis: options.axis }),
        ];
        for (const op of ops) {
          const sums = reduceNd(nd(shape, await read(op)), (row) => row.reduce((a, b) => a + b, 0), options.axis);
          expectNear(sums.data, Array(sums.data.length).fill(1), 3e-6);
        }
      }),
      parameters,
    ));

  test('adding a number to all changes nothing but logsumexp, by that number', () =>
    fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: -60, max: 60 }), async ({ shape, options, seed }, shift) => {
        using x = sample(shape, seed);
        using shifted = add(x, shift);
        const ops = [softmax, logSoftmax, (t: Tensor) => sparsemax(t, { axis: options.axis })];
        // The sum is rounded to a multiple of 2^-18.
        for (const op of ops)
          expectNear(await read(() => op(shifted, options)), await read(() => op(x, options)), 2e-5);
        const moved = await read(() => logsumexp(shifted, options));
        expectNear(
          moved,
          (await read(() => logsumexp(x, options))).map((v) => v + shift),
          2e-5,
        );
      }),
      parameters,
    ));

  test('a mask of any shape that broadcasts is -inf where it is false, whatever lies there', () =>
    fc.assert(
      fc.asyncProperty(calls, fc.infiniteStream(fc.boolean()), async ({ shape, options, seed }, bits) => {
        const next = () => bits.next().value as boolean;
        const kept = shape.slice([...shape.keys()].find(() => next()) ?? 0).map((n) => (next() ? n : 1));
        const mask = Array.from({ length: sizeOf(kept) }, () => (next() ? 1 : 0));
        const garbage = [Number.NaN, Number.POSITIVE_INFINITY, 3e38];
        const values = await read(() => sample(shape, seed));
        const attended = values.map((_, i) => {
          const at = coordinates(i, shape).slice(shape.length - kept.length);
          return mask[at.reduce((p, c, a) => p * (kept[a] as number) + (kept[a] === 1 ? 0 : c), 0)] as number;
        });
        using m = gpu.tensor(mask, kept, { dtype: 'bool' });
        using full = gpu.tensor(
          Array.from(values, (v, i) => (attended[i] ? v : (garbage[i % 3] as number))),
          shape,
        );
        using hidden = gpu.tensor(
          Array.from(values, (v, i) => (attended[i] ? v : Number.NEGATIVE_INFINITY)),
          shape,
        );
        expect(await read(() => maskedSoftmax(full, m, options))).toEqual(await read(() => softmax(hidden, options)));
      }),
      parameters,
    ));

  test('a temperature is a division', () =>
    fc.assert(
      fc.asyncProperty(calls, fc.constantFrom(0.125, 0.5, 2, 8), async ({ shape, options, seed }, temperature) => {
        using x = sample(shape, seed);
        using divided = sample(shape, seed, 5 / temperature);
        for (const op of [softmax, logSoftmax])
          expectNear(
            await read(() => op(x, { ...options, temperature })),
            await read(() => op(divided, options)),
            temperature < 1 ? 2e-5 : 2e-6,
          );
      }),
      parameters,
    ));
});
