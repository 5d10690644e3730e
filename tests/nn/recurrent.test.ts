import { describe, expect, test } from 'vitest';
import { GRU, RNN, Rng } from '../../src/nn/index.ts';
import { gru } from '../../src/ops/gru.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { rnn } from '../../src/ops/rnn.ts';
import type { Tensor } from '../../src/tensor.ts';
import { gpu } from '../helpers/gpu.ts';

const wave = (shape: number[], phase = 0) =>
  gpu.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + phase)),
    shape,
  );
const values = async (t: Tensor) => [...(await t.data())];

describe('parameters', () => {
  test("have PyTorch's names, shapes and order", () => {
    const layer = new GRU(gpu, 3, 4, { bidirectional: true, layers: 2, rng: new Rng(1) });
    const shapes = Object.fromEntries(Object.entries(layer.parameters()).map(([name, t]) => [name, t.shape]));
    const one = (suffix: string, inputs: number) => ({
      [`weight_ih_${suffix}`]: [12, inputs],
      [`weight_hh_${suffix}`]: [12, 4],
      [`bias_ih_${suffix}`]: [12],
      [`bias_hh_${suffix}`]: [12],
    });
    const expected = { ...one('l0', 3), ...one('l0_reverse', 3), ...one('l1', 8), ...one('l1_reverse', 8) };
    expect(shapes).toEqual(expected);
    expect(Object.keys(shapes)).toEqual(Object.keys(expected));
  });

  test('depend on the seed alone', async () => {
    const weights = async (seed: number) =>
      values(new RNN(gpu, 2, 3, { rng: new Rng(seed) }).parameters().weight_hh_l0 as Tensor);
    expect(await weights(5)).toEqual(await weights(5));
    expect(await weights(5)).not.toEqual(await weights(6));
  });
});

test('one direction is the op on x W^T + b', async () => {
  for (const [Layer, op] of [
    [GRU, gru],
    [RNN, rnn],
  ] as const) {
    const layer = new Layer(gpu, 3, 5, { rng: new Rng(2) });
    const p = layer.parameters() as Record<string, Tensor>;
    const x = wave([2, 4, 3]);
    const state = wave([1, 2, 5], 7);
    const lengths = gpu.tensor([4, 2], [2], { dtype: 'i32' });
    const got = layer.forward(x, { state, lengths });
    const gx = matmul(x, p.weight_ih_l0 as Tensor, { transposeB: true, bias: p.bias_ih_l0 as Tensor });
    const want = op(gx, state.reinterpret('f32', [2, 5]), p.weight_hh_l0 as Tensor, p.bias_hh_l0 as Tensor, {
      lengths,
    });
    expect(got.output.shape).toEqual([2, 4, 5]);
    expect(got.state.shape).toEqual([1, 2, 5]);
    expect(await values(got.output)).toEqual(await values(want.y));
    expect(await values(got.state)).toEqual(await values(want.hLast));
  }
});

test('two directions: the second reads each sequence from its end, and the halves of the output are theirs', async () => {
  const layer = new GRU(gpu, 3, 4, { bidirectional: true, rng: new Rng(3) });
  const p = layer.parameters() as Record<string, Tensor>;
  const x = wave([2, 5, 3]);
  const lengths = gpu.tensor([5, 3], [2], { dtype: 'u32' });
  const { output, state } = layer.forward(x, { lengths });
  const halves = ((await output.array()) as number[][][]).map((b) => b.map((t) => [t.slice(0, 4), t.slice(4)]));
  for (const [direction, suffix] of ['l0', 'l0_reverse'].entries()) {
    const gx = matmul(x, p[`weight_ih_${suffix}`] as Tensor, {
      transposeB: true,
      bias: p[`bias_ih_${suffix}`] as Tensor,
    });
    const want = gru(gx, gpu.zeros([2, 4]), p[`weight_hh_${suffix}`] as Tensor, p[`bias_hh_${suffix}`] as Tensor, {
      lengths,
      reverse: direction === 1,
    });
    expect(halves.map((b) => b.map((t) => t[direction]))).toEqual(await want.y.array());
    expect(((await state.array()) as number[][][])[direction]).toEqual(await want.hLast.array());
  }
});

test('layers feed each other', async () => {
  const layer = new RNN(gpu, 3, 4, { layers: 2, nonlinearity: 'relu', rng: new Rng(4) });
  const [first, second] = [new RNN(gpu, 3, 4, { nonlinearity: 'relu' }), new RNN(gpu, 4, 4, { nonlinearity: 'relu' })];
  const p = layer.parameters() as Record<string, Tensor>;
  const part = (suffix: string) =>
    Object.fromEntries(
      Object.entries(p)
        .filter(([n]) => n.endsWith(suffix))
        .map(([n, t]) => [n.replace(suffix, 'l0'), t]),
    );
  first.loadStateDict(part('l0'));
  second.loadStateDict(part('l1'));
  const x = wave([2, 3, 3]);
  const { output, state } = layer.forward(x);
  const a = first.forward(x);
  const b = second.forward(a.output);
  expect(await values(output)).toEqual(await values(b.output));
  expect(await values(state)).toEqual([...(await values(a.state)), ...(await values(b.state))]);
});

test('a state of the wrong shape and sizes below 1 are typed errors', () => {
  const layer = new GRU(gpu, 3, 4, { bidirectional: true });
  expect(() => layer.forward(gpu.zeros([2, 5, 3]), { state: gpu.zeros([1, 2, 4]) })).toThrow(
    'GRU: state must have shape [2, 2, 4], got f32[1, 2, 4]',
  );
  expect(() => new RNN(gpu, 0, 4)).toThrow('RNN: inputSize must be a whole number of at least 1, got 0');
});
