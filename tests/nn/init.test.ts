import { expect, test } from 'vitest';
import type { Shape } from '../../src/host.ts';
import * as init from '../../src/nn/init.ts';
import { philoxNormals, philoxWords, toUnit } from '../../src/random/philox.ts';
import { Rng } from '../../src/random/rng.ts';
import { ShapeError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import { gpu } from '../helpers/gpu.ts';

async function made(f: init.Init, shape: Shape, seed = 1): Promise<Float64Array> {
  using t = scope(() => f(gpu, shape, new Rng(seed)));
  expect([t.shape, t.dtype]).toEqual([shape, 'f32']);
  return Float64Array.from(await t.data());
}

const spread = (data: Float64Array): number => Math.sqrt(data.reduce((a, v) => a + v * v, 0) / data.length);
const most = (data: Float64Array): number => data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);

test('zeros, ones, constants', async () => {
  expect(await made(init.zeros, [2, 3])).toEqual(new Float64Array(6));
  expect(await made(init.ones, [5])).toEqual(new Float64Array(5).fill(1));
  expect(await made(init.constant(-2.5), [])).toEqual(new Float64Array([-2.5]));
});

// A weight [out, in, rest] with 40 outputs of fan-in 60 * 5 and 60 inputs of fan-out 40 * 5.
const SHAPE = [40, 60, 5];
test.each([
  ['glorotUniform', init.glorotUniform, Math.sqrt(6 / 500)],
  ['glorotUniform with a gain', (g, s, r) => init.glorotUniform(g, s, r, 5 / 3), (5 / 3) * Math.sqrt(6 / 500)],
  ['heUniform', init.heUniform, Math.sqrt(6 / 300)],
  ['heUniform with a gain', (g, s, r) => init.heUniform(g, s, r, 1), Math.sqrt(3 / 300)],
  ['fanInUniform', init.fanInUniform, Math.sqrt(1 / 300)],
  ['uniform', init.uniform(-0.3, 0.3), 0.3],
] as [string, init.Init, number][])('%s fills its range, bit for bit as the reference', async (_, f, bound) => {
  const data = await made(f, SHAPE);
  expect(most(data)).toBeLessThanOrEqual(Math.fround(bound));
  expect(most(data)).toBeGreaterThan(0.999 * bound);
  expect(spread(data)).toBeCloseTo(bound / Math.sqrt(3), 2);
  const [low, span] = [Math.fround(-bound), Math.fround(2 * Math.fround(bound))];
  const words = philoxWords(new Rng(1).next(), 0, data.length);
  expect(data).toEqual(Float64Array.from(words, (w) => Math.fround(low + Math.fround(toUnit(w) * span))));
});

test.each([
  ['glorotNormal', init.glorotNormal, Math.sqrt(2 / 500)],
  ['heNormal', init.heNormal, Math.sqrt(2 / 300)],
  ['heNormal with a gain', (g, s, r) => init.heNormal(g, s, r, 1), Math.sqrt(1 / 300)],
  ['normal', init.normal(0.02), 0.02],
] as [string, init.Init, number][])('%s has its deviation', async (_, f, std) => {
  const data = await made(f, SHAPE);
  const want = philoxNormals(new Rng(1).next(), 0, data.length);
  expect(most(data.map((v, i) => v - std * (want[i] as number)))).toBeLessThan(1e-6);
  expect(Math.abs(spread(data) / std - 1)).toBeLessThan(0.03);
});

test('normal has a mean', async () => {
  const data = await made(init.normal(0.1, 3), [1000]);
  expect(Math.abs(data.reduce((a, b) => a + b, 0) / 1000 - 3)).toBeLessThan(0.02);
});

test.each([[[1, 1]], [[3, 7]], [[7, 3]], [[16, 16]], [[33, 2, 5]], [[1, 9]], [[0, 4]]])(
  'orthogonal %j',
  async (shape) => {
    const [rows = 0] = shape;
    const cols = shape.slice(1).reduce((a, b) => a * b, 1);
    const data = await made((g, s, r) => init.orthogonal(g, s, r, 2), shape);
    const at = (r: number, c: number) => data[r * cols + c] as number;
    const n = Math.min(rows, cols);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let dot = 0;
        for (let k = 0; k < Math.max(rows, cols); k++) dot += rows <= cols ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
        expect(dot).toBeCloseTo(i === j ? 4 : 0, 5);
      }
    }
  },
);

test('the same seed gives the same weights, another seed and the next draw others', async () => {
  for (const f of [init.glorotUniform, init.heNormal, init.orthogonal]) {
    const data = await made(f, [5, 4]);
    expect(await made(f, [5, 4])).toEqual(data);
    expect(await made(f, [5, 4], 2)).not.toEqual(data);
    expect(await made((g, s, r) => f(g, s, new Rng(r.next())), [5, 4])).not.toEqual(data);
  }
});

test.each([
  ['glorotUniform', init.glorotUniform],
  ['glorotNormal', init.glorotNormal],
  ['heUniform', init.heUniform],
  ['heNormal', init.heNormal],
  ['fanInUniform', init.fanInUniform],
  ['orthogonal', init.orthogonal],
] as [string, init.Init][])('%s needs two dimensions, and takes empty ones', (name, f) => {
  const message = 'needs a weight of at least 2 dimensions, got [3]';
  expect(() => f(gpu, [3], new Rng(1))).toThrow(new ShapeError(name, message));
  expect(scope(() => f(gpu, [0, 0], new Rng(1)).size)).toBe(0);
});
