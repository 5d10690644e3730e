import { expect, test } from 'vitest';
import { AttentionTranslator, type Batch, PlainTranslator, type Translator } from '../../examples/translate/model.ts';
import { valueAndGrad } from '../../src/autograd/tape.ts';
import { Rng } from '../../src/nn/index.ts';
import { Adam } from '../../src/optim/index.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { scope } from '../../src/runtime/scope.ts';

const own = await Gpu.create();
const SIZES = { vocabulary: 7, hidden: 8 };
const SOURCE = [
  [3, 4, 5, 2],
  [6, 3, 2, 2],
];
const LENGTHS = [3, 2];

function batch(): Batch {
  const ids = (rows: number[][]) => own.tensor(rows, undefined, { dtype: 'i32' });
  return {
    source: ids(SOURCE),
    lengths: own.tensor(LENGTHS, undefined, { dtype: 'i32' }),
    inputs: ids([
      [0, 5, 6],
      [0, 4, 2],
    ]),
    targets: ids([
      [5, 6, 1],
      [4, 1, 2],
    ]),
  };
}

function trainer(model: Translator) {
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { lr: 1e-2, clipNorm: 1 });
  return () =>
    scope(() => {
      const data = batch();
      const { value, grads } = valueAndGrad(() => model.loss(data), parameters);
      optimizer.step(grads);
      return value;
    });
}

const MODELS = [
  ['attention', AttentionTranslator, 100],
  ['plain', PlainTranslator, 1000],
] as const;

// One device for all, so that each kernel is compiled once: these come first, and what they leave is kept, or the garbage collector would give it
// back between two looks at the memory.
const kept: unknown[] = [];
test.each(MODELS)(
  '%s: a training step is one submit; after the tenth nothing new is created and memory is flat',
  async (_, Model, steps) => {
    const step = trainer(new Model(own, SIZES, new Rng(1)));
    kept.push(step);
    const run = async () => {
      using loss = step();
      return loss.item();
    };
    for (let i = 0; i < 10; i++) await run();
    await own.sync();
    own.resetCounters();
    const before = own.memory();
    for (let i = 0; i < steps; i++) await run();
    const { submits, buffers, bindGroups, pipelines, bytesAllocated } = own.counters();
    expect({ submits, buffers, bindGroups, pipelines, bytesAllocated }).toEqual({
      submits: steps,
      buffers: 0,
      bindGroups: 0,
      pipelines: 0,
      bytesAllocated: 0,
    });
    const { live, pooled, tensors } = own.memory();
    expect({ live, pooled, tensors }).toEqual({ live: before.live, pooled: before.pooled, tensors: before.tensors });
  },
);

test.each(MODELS)('%s: learns its batch, and the same seed gives the same losses', async (_, Model) => {
  const train = async () => {
    const step = trainer(new Model(own, SIZES, new Rng(3)));
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) {
      using loss = step();
      losses.push(await loss.item());
    }
    return losses;
  };
  const losses = await train();
  expect(losses.at(-1)).toBeLessThan(0.2 * (losses[0] as number));
  expect(await train()).toEqual(losses);
});

test('the rows of the attention matrix sum to 1, and padding gets 0', async () => {
  const model = new AttentionTranslator(own, SIZES, new Rng(1));
  const { source, lengths } = batch();
  const { letters, weights } = model.translate(source, lengths, 5);
  expect(letters.shape).toEqual([2, 5]);
  const rows = (await weights?.array()) as number[][][];
  rows.forEach((word, b) => {
    for (const row of word) {
      expect(row.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 5);
      expect(row.slice(LENGTHS[b])).toEqual(row.slice(LENGTHS[b]).map(() => 0));
      expect(Math.min(...row.slice(0, LENGTHS[b]))).toBeGreaterThan(0);
    }
  });
});

test('what lies in the padding does not reach the translation', async () => {
  for (const Model of [AttentionTranslator, PlainTranslator]) {
    const model = new Model(own, SIZES, new Rng(1));
    const { source, lengths, inputs, targets } = batch();
    const other = own.tensor(
      SOURCE.map((row) => row.map((id) => (id === 2 ? 6 : id))),
      undefined,
      { dtype: 'i32' },
    );
    const loss = async (s: typeof source) => model.loss({ source: s, lengths, inputs, targets }).item();
    expect(await loss(other)).toBe(await loss(source));
  }
});
