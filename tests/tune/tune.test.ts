import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { isSoftware } from '../../src/runtime/adapter.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import { describe as describeGpu } from '../../src/tune/describe.ts';
import { disagreement, interval, median } from '../../src/tune/statistics.ts';
import { type Progress, tune } from '../../src/tune/tune.ts';
import { applyTuning } from '../../src/tune/tuning.ts';
import { VERSION } from '../../src/version.ts';

const gpu = await Gpu.create();
const { family } = gpu;
/** Milliseconds: a sample is a matter of wall-clock time, which other processes take part of. */
const MEASURING = 120_000;
/** A device that is taken for one of another family, whose rules are wrong for it. */
const disguise = (as: typeof family) => Object.assign(gpu, { family: as });
afterEach(() => {
  disguise(family);
  gpu.plans = null;
});
afterAll(() => gpu.destroy());

test(
  'a plan that is much faster is found, kept, and used',
  async () => {
    // The rule for GPUs scans a row with 256 invocations and their barriers; on a CPU one invocation a row is far better, and on a GPU its rule is far worse.
    const software = isSoftware(family);
    disguise(software ? 'unknown' : 'swiftshader');
    const problem = software ? 'scan:60x1000x1' : 'scan:4x4000x1';
    const shapeClass = software ? '64x1024x1' : '4x4096x1';
    const [usual, better] = software ? ['rows', 'columns'] : ['columns', 'rows'];
    const seen: Progress[] = [];
    const tuning = await tune(gpu, { problems: [problem], rounds: 9, sample: 2, onProgress: (p) => seen.push(p) });
    expect(seen).toEqual([{ op: 'scan', shapeClass, done: 0, total: 1 }]);
    expect(tuning.version).toBe(VERSION);
    expect(JSON.parse(JSON.stringify(tuning))).toEqual(tuning);
    const [m] = tuning.measured;
    expect(m?.refused).toEqual([]);
    expect(m?.usual).toMatchObject({ by: usual });
    expect(m?.plan).toMatchObject({ by: better });
    expect(m?.interval[0]).toBeGreaterThan(1.05);
    expect(tuning.plans).toEqual({ scan: { [shapeClass]: m?.plan } });
    expect(applyTuning(gpu, tuning)).toBe(true);
  },
  MEASURING,
);

test(
  'a gain that is not large enough changes nothing',
  async () => {
    const tuning = await tune(gpu, { problems: ['scatter:20x4x10'], rounds: 7, sample: 1, threshold: 1000 });
    expect(tuning.plans).toEqual({});
    expect(tuning.measured[0]?.plan).toBe(tuning.measured[0]?.usual);
    expect(gpu.plans).toBeNull();
  },
  MEASURING,
);

test('arguments', async () => {
  await expect(tune(gpu, { problems: ['conv'] })).rejects.toThrow(/^tune: op must be one of matmul, .*, got conv$/);
  await expect(tune(gpu, { problems: ['scan:4'] })).rejects.toThrow(
    'the sizes of scan must be outerxaxisxinner, got 4',
  );
  await expect(tune(gpu, { rounds: 6 })).rejects.toThrow('rounds must be a whole number from 7 on, got 6');
  await expect(tune(gpu, { threshold: -1 })).rejects.toThrow('threshold must be at least 0, got -1');
  await expect(tune(gpu, { sample: 0 })).rejects.toThrow('sample must be more than 0, got 0');
  await expect(tune(gpu, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  expect(await tune(gpu, { problems: [] })).toMatchObject({ plans: {}, measured: [] });
});

describe('statistics', () => {
  test('median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('intervals of the median, from the tables of the sign test', () => {
    const upTo = (n: number) => interval(Array.from({ length: n }, (_, i) => n - i));
    expect(upTo(5)).toEqual([1, 5]);
    expect(upTo(6)).toEqual([1, 6]);
    expect(upTo(9)).toEqual([2, 8]);
    expect(upTo(15)).toEqual([4, 12]);
    expect(upTo(20)).toEqual([6, 15]);
    expect(upTo(25)).toEqual([8, 18]);
  });

  test('results that differ by rounding agree, others do not', () => {
    const f = (...x: number[]) => Float32Array.from(x);
    const i = (...x: number[]) => Int32Array.from(x);
    expect(disagreement([f(1, 2), i(3)], [f(1, 2 + 1e-6), i(3)])).toBeNull();
    expect(disagreement([f(1, 2), i(3)], [f(1, 2.001), i(3)])).toMatch(/^output 0 is off by/);
    expect(disagreement([f(1, 2), i(3)], [f(1, 2), i(4)])).toMatch(/^output 1 is off by/);
    expect(disagreement([f(1, Number.NaN)], [f(1, 2)])).toMatch(/^output 0/);
    expect(disagreement([f(1)], [f(1, 2)])).toMatch(/^output 0/);
    expect(disagreement([], [f(1)])).toMatch(/^output 0/);
  });
});

test('a description is plain JSON that says where each plan comes from', () => {
  const before = describeGpu(gpu);
  expect(JSON.parse(JSON.stringify(before))).toEqual(before);
  expect(before).toMatchObject({ version: VERSION, family, software: isSoftware(family) });
  expect(before.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
  expect(before.features).toEqual([...before.features].sort());
  const of = (plans: typeof before.plans) =>
    plans.find(({ op, shapeClass }) => op === 'scan' && shapeClass === '64x1024x1');
  expect(of(before.plans)).toMatchObject({ from: 'rule', sizes: { outer: 64, axis: 1024, inner: 1 } });
  const plan = { by: 'columns', chunk: 256 };
  gpu.plans = { scan: { '64x1024x1': plan } };
  expect(of(describeGpu(gpu).plans)).toMatchObject({ from: 'tuned', plan });
});
