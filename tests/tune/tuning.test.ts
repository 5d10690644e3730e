import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { sum } from '../../src/ops/reduce.ts';
import { ArgumentError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { type Adapter, adapterOf, applyTuning, type Tuning } from '../../src/tune/tuning.ts';
import { VERSION } from '../../src/version.ts';

/** Without the test harness, whose poison takes dispatches of its own. */
const gpu = await Gpu.create();
afterEach(() => {
  gpu.plans = null;
});
afterAll(() => gpu.destroy());

const tuning = (plans: unknown, more: Partial<Tuning> = {}): Tuning =>
  ({ version: VERSION, adapter: adapterOf(gpu), plans, measured: [], ...more }) as Tuning;
const cut = { lanes: 4, splits: 4, vec4: true };

/** Dispatches of a sum over rows of 500. */
function dispatches(): number {
  const x = gpu.zeros([2, 500]);
  const before = gpu.counters().dispatches;
  sum(x, { axis: 1 }).dispose();
  x.dispose();
  return gpu.counters().dispatches - before;
}

test('a tuning changes the plan of its shape class, and null takes it back', () => {
  expect(dispatches()).toBe(1);
  expect(applyTuning(gpu, tuning({ reduce: { '2x512x1': cut } }))).toBe(true);
  expect(dispatches()).toBe(2); // each row in four chunks, and their sum
  expect(applyTuning(gpu, tuning({ reduce: { '4x512x1': cut } }))).toBe(true);
  expect(dispatches()).toBe(1);
  expect(applyTuning(gpu, null)).toBe(true);
  expect(gpu.plans).toBeNull();
});

test('through JSON, with keys in any order', () => {
  const { lanes, splits, vec4 } = cut;
  const json = JSON.stringify(tuning({ reduce: { '2x512x1': { vec4, splits, lanes } } }));
  expect(applyTuning(gpu, JSON.parse(json))).toBe(true);
  expect(gpu.plans).toEqual({ reduce: { '2x512x1': cut } });
});

test('of another version, or of another adapter, it is left alone', () => {
  const plans = { 'an op of then': {} };
  expect(applyTuning(gpu, tuning(plans, { version: '0.0.1' }))).toBe(false);
  const adapter: Adapter = { ...adapterOf(gpu), device: 'another' };
  expect(applyTuning(gpu, tuning(plans, { adapter }))).toBe(false);
  expect(gpu.plans).toBeNull();
});

describe('refused, with nothing applied', () => {
  const matmul = { variant: 'registers', x: 8, y: 2, z: 1, blocksM: 1, blocksN: 1, depth: 4, splits: 1 };
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['an unknown op', { conv: {} }, /^applyTuning: op must be one of matmul, .*, got conv$/],
    ['an inherited name', JSON.parse('{ "__proto__": {} }'), /op must be one of .*, got __proto__$/],
    ['no classes', { reduce: [] }, /plans\.reduce must map shape classes to plans$/],
    ['too few sizes', { reduce: { '2x512': cut } }, /the sizes of reduce must be outerxaxisxinner, got 2x512$/],
    ['sizes that are none', { reduce: { '2x-4x1': cut } }, /the sizes of reduce must be .*, got 2x-4x1$/],
    ['a class of no problem', { reduce: { '2x500x1': cut } }, /shape class of reduce must be 2x512x1, got 2x500x1$/],
    ['an unknown field', { reduce: { '2x512x1': { ...cut, more: 1 } } }, /reduce has no plan .*"more":1.* for 2x512x1/],
    ['a missing field', { reduce: { '2x512x1': { lanes: 4, splits: 4 } } }, /reduce has no plan /],
    ['more lanes than a workgroup', { softmax: { '2x512x1': { ...cut, lanes: 512 } } }, /softmax has no plan /],
    ['lanes that are no power of two', { softmax: { '2x512x1': { ...cut, lanes: 5 } } }, /softmax has no plan /],
    ['a workgroup too large', { matmul: { '64x64x64x1x0x0': { ...matmul, y: 64 } } }, /matmul has no plan /],
    ['no plan', { matmul: { '64x64x64x1x0x0': null } }, /matmul has no plan null/],
    ['another kind of plan', { scatter: { '64x64x64': 'guess' } }, /scatter has no plan "guess"/],
  ];
  test.each(cases)('%s', (_, plans, message) => {
    // A good entry before the bad one.
    const mixed = { argReduce: { '2x512x1': cut }, ...Object.fromEntries(Object.entries(plans as object)) };
    const given = Object.hasOwn(plans as object, '__proto__') ? plans : mixed;
    expect(() => applyTuning(gpu, tuning(given))).toThrow(ArgumentError);
    expect(() => applyTuning(gpu, tuning(given))).toThrow(message);
    expect(gpu.plans).toBeNull();
  });

  test.each([
    [{}],
    [[]],
    ['{}'],
    [42],
    [{ version: VERSION, adapter: adapterOf(gpu), plans: [] }],
    [{ ...tuning({}), version: 1 }],
  ])('%j', (given) => {
    expect(() => applyTuning(gpu, given as never)).toThrow(/tuning must hold version, adapter and plans/);
  });
});
