import { afterEach, describe, expect, test } from 'vitest';
import { shapeClass } from '../../src/ops/plans.ts';
import type { Family } from '../../src/runtime/adapter.ts';
import { scope } from '../../src/runtime/scope.ts';
import { disagreement } from '../../src/tune/statistics.ts';
import { makeInputs, TUNABLES, type Tunable } from '../../src/tune/tunables.ts';
import { candidatesOf, canonical } from '../../src/tune/tuning.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { target } from '../helpers/target.ts';

/** Sizes below those of their class, which fill no tile, chunk or vec4; the usual classes, powers of two, would hide what happens at an end. */
const ODD: Readonly<Record<string, readonly string[]>> = {
  matmul: ['45x61x117x1x0x0', '30x17x2100x1x1x1'],
  // Of several ranges of keys; few queries of heads that share keys; heads of two tiles' width.
  attention: ['2x1x13x300x4x8x0', '2x2x3x300x4x4x1', '3x1x33x44x36x4x1'],
  reduce: ['3x1021x1', '5x130x7'],
  logsumexp: ['3x1021x1'],
  argReduce: ['3x1021x1'],
  softmax: ['3x530x1', '3x130x7'],
  layerNorm: ['3x1021x1'],
  layerNormWeights: ['1x530x7'],
  channels: ['3x1020x1', '1x530x7'],
  crossEntropy: ['3x530x1'],
  rowMap: ['3x530x1'],
  scatter: ['20x12x50', '300x1x2100'],
  sort: ['2x600x600'],
  scan: ['3x1021x1', '2x300x7'],
  pack: ['5000'],
};

afterEach(() => {
  gpu.plans = null;
});

/** Runs a tunable with a plan for its class in the device's table, which must be asked for it. */
async function run(
  { planning, run }: Tunable,
  inputs: ReturnType<typeof makeInputs>,
  sizes: readonly number[],
  plan: unknown,
) {
  let asked = false;
  const entry = {
    get [shapeClass(sizes)]() {
      asked = true;
      return plan;
    },
  };
  gpu.plans = { [planning.op]: entry };
  const outputs = scope(() => run(inputs, sizes));
  gpu.plans = null;
  expect(asked).toBe(true);
  const data = await Promise.all(outputs.map((t) => t.data()));
  for (const t of outputs) t.dispose();
  await guards.verify();
  return data;
}

/** Those of other kinds of devices too, but where minutes would go into compiling them. */
const families: readonly Family[] = gpu.family === 'swiftshader' ? ['swiftshader'] : [gpu.family, 'nvidia', 'intel'];

function allCandidates(tunable: Tunable, sizes: readonly number[]): unknown[] {
  const classed = shapeClass(sizes).split('x').map(Number);
  const all = families.flatMap((family) => candidatesOf(target(family), tunable, classed));
  return [...new Map(all.map((plan) => [canonical(plan), plan])).values()];
}

describe.each(TUNABLES)('$planning.op', (tunable) => {
  describe.each(ODD[tunable.planning.op] ?? [])('%s', (name) => {
    const sizes = name.split('x').map(Number);
    test.each(allCandidates(tunable, sizes))('%j gives what the rule gives', async (plan) => {
      const inputs = makeInputs(gpu, tunable, sizes);
      const want = await run(tunable, inputs, sizes, tunable.planning.rule(gpu, sizes));
      expect(disagreement(await run(tunable, inputs, sizes, plan), want)).toBeNull();
      for (const t of inputs) t.dispose();
    });
  });

  test('has usual classes, each with sizes of their own names and several candidates', () => {
    const { classes, sizes: names } = tunable.planning;
    expect(classes.length).toBeGreaterThan(0);
    for (const name of classes) {
      const sizes = name.split('x').map(Number);
      expect(sizes.length).toBe(names.length);
      expect(shapeClass(sizes)).toBe(name);
      expect(allCandidates(tunable, sizes).length).toBeGreaterThan(1);
    }
  });
});
