import { describe, expect, test } from 'vitest';
import { sizeOf } from '../../../src/host.ts';
import { type Plan, rule } from '../../../src/ops/linalg/plan.ts';
import type { Problem, Transposed } from '../../../src/ops/linalg/problem.ts';
import { matmul } from '../../../src/ops/matmul.ts';
import type { Family } from '../../../src/runtime/adapter.ts';
import { LimitError } from '../../../src/runtime/errors.ts';
import type { Shape } from '../../../src/tensor.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkMatmul, forward, stored, TRANSPOSES } from '../../helpers/matmul.ts';

type NamedPlan = readonly [name: string, plan: Partial<Plan>, tile: readonly [m: number, n: number, k: number]];
/** Whether this adapter is one on which neighbours may read together: the planner takes it for the others' only here. */
const SHARING = gpu.family === 'swiftshader' && gpu.features.has('subgroups');
const EIGHT_BY_EIGHT = { variant: 'registers', x: 4, y: 1, z: 4, blocksM: 2, blocksN: 2 } as const;
const MAIN_PLANS: readonly NamedPlan[] = [
  ['registers 8 x 8', { variant: 'registers', x: 8, y: 2, z: 1, blocksM: 2, blocksN: 2, quads: false }, [16, 64, 4]],
  // Small tiles: what SwiftShader takes to compile grows with the workgroup memory.
  ['tiled', { variant: 'tiled', x: 4, y: 4, blocksM: 1, blocksN: 1, depth: 16 }, [16, 16, 16]],
  ['small', { variant: 'small', x: 2, y: 8 }, [4, 8, 32]],
];
const MORE_PLANS: readonly NamedPlan[] = [
  ['registers 4 x 4', { variant: 'registers', x: 2, y: 2, z: 2, blocksM: 1, blocksN: 1 }, [8, 8, 4]],
  ['registers 4 x 8', { variant: 'registers', x: 4, y: 1, z: 4, blocksM: 1, blocksN: 2, quads: false }, [4, 32, 8]],
  ['registers, K split', { variant: 'registers', x: 2, y: 2, z: 2, blocksM: 2, blocksN: 1, splits: 3 }, [16, 8, 24]],
  ['tiled, 2 x 2 blocks', { variant: 'tiled', x: 4, y: 4, blocksM: 2, blocksN: 2, depth: 8 }, [32, 32, 8]],
  ['tiled, some bring A, some B', { variant: 'tiled', x: 4, y: 4, blocksM: 1, blocksN: 1, depth: 8 }, [16, 16, 8]],
  ['tiled, K split', { variant: 'tiled', x: 4, y: 8, blocksM: 2, blocksN: 1, depth: 8, splits: 4 }, [64, 16, 64]],
  ['small, K split', { variant: 'small', x: 1, y: 4, splits: 5 }, [4, 4, 80]],
];
// Quads share all with the others but how A is read.
const QUADS: readonly NamedPlan[] = SHARING ? [['quads 8 x 8', { ...EIGHT_BY_EIGHT, quads: true }, [8, 32, 4]]] : [];
const PLANS = [...MAIN_PLANS, ...MORE_PLANS, ...QUADS];

// Most of the time goes into compiling: one activation for all, and only the main plans meet each combination of transposes.
const activation = 'relu';

async function aroundTile(chosen: Partial<Plan>, tile: readonly number[], transposes: Transposed): Promise<void> {
  const [tm, tn, tk] = tile as [number, number, number];
  const { transposeA = false, transposeB = false } = transposes;
  const steps = [-1, 0, 1];
  const sizes = steps.flatMap((dm, i) =>
    steps.map((dn, j) => [tm + dm, tn + dn, tk + (steps[(i + j) % 3] as number)] as const),
  );
  const more = [[2 * tm + 4, 2 * tn + 4, tk + 4], [3, 2, 5], [2, tn + 4, 3], [tm + 4, 3, 2 * tk]] as const; // biome-ignore format: a table
  for (const [m, n, k] of [...sizes, ...more]) {
    const options = { plan: chosen, ...transposes, bias: [n], activation } as const;
    await checkMatmul(stored(m, k, transposeA), stored(k, n, transposeB), options, forward);
  }
}

describe.each(MAIN_PLANS)('%s', (_, chosen, tile) => {
  test.each(TRANSPOSES)('sizes around those of a tile, transposeA %s, transposeB %s', (transposeA, transposeB) =>
    aroundTile(chosen, tile, { transposeA, transposeB }),
  );
});

describe.each([...MORE_PLANS, ...QUADS])('%s', (_, chosen, tile) => {
  test('sizes around those of a tile', () => aroundTile(chosen, tile, {}));
});

test.each(QUADS)('%s, A transposed', (_, chosen, tile) => aroundTile(chosen, tile, { transposeA: true }));

describe.each(PLANS)('%s', (_, chosen) => {
  test('a batch, with operands and bias broadcast over it; one row; nothing along K', async () => {
    const options = { plan: chosen, activation } as const;
    await checkMatmul([2, 3, 5, 6], [3, 6, 4], { ...options, bias: [2, 1, 5, 1] }, forward);
    const both = { transposeA: true, transposeB: true };
    await checkMatmul([3, 1, 6, 5], [1, 4, 7, 6], { ...options, ...both, bias: [3, 4, 5, 7] }, forward);
    await checkMatmul([8, 12], [3, 12, 4], { ...options, bias: [3, 1, 4] }, forward);
    await checkMatmul([1, 9], [9, 21], { ...options, bias: [1] }, forward);
    await checkMatmul([5, 0], [0, 7], { ...options, bias: [7] }, forward);
  });

  test('NaN stays in its row, its column and its product', async () => {
    const values = (count: number, nan: (i: number) => boolean) =>
      Float32Array.from({ length: count }, (_, i) => (nan(i) ? Number.NaN : Math.cos(i)));
    // Product 1 is NaN altogether; in product 0, row 2 of A and column 1 of B.
    const a = { shape: [2, 6, 7], data: values(84, (i) => i >= 42 || (i >= 14 && i < 21)) };
    const b = { shape: [2, 7, 5], data: values(70, (i) => i >= 35 || i % 5 === 1) };
    await checkMatmul(a, b, { plan: chosen }, forward);
  });

  test('the same bits each time', async () => {
    const values = (shape: Shape) => gpu.tensor(Float32Array.from({ length: sizeOf(shape) }, Math.random), shape);
    const [a, b] = [values([19, 333]), values([333, 21])];
    const [x, y] = [matmul(a, b, { plan: chosen }), matmul(a, b, { plan: chosen })];
    expect(await x.data()).toEqual(await y.data());
    for (const t of [a, b, x, y]) t.dispose();
  });

  test('f16', async () => {
    const dtype = 'f16';
    if (!gpu.features.has('shader-f16')) return void expect(() => gpu.empty([1], dtype)).toThrow(LimitError);
    for (const [m, n, k] of [
      [17, 9, 70],
      [4, 8, 64],
    ] as const) {
      // biome-ignore format: a table
      const options = { plan: chosen, bias: [n], activation } as const;
      await checkMatmul({ shape: [m, k], dtype }, { shape: [k, n], dtype }, options, forward);
    }
  });
});

test.each([1, 2])('tiles as large as on a GPU, %s blocks', async (blocks) => {
  const chosen = { variant: 'tiled', x: 8, y: 8, blocksM: blocks, blocksN: blocks, depth: 16 } as const;
  await checkMatmul([65, 20], [20, 68], { plan: chosen, bias: [68] }, forward);
});

test('more than one band of eight rows of tiles', async () => {
  const chosen = { variant: 'registers', x: 2, y: 2, z: 1, blocksM: 1, blocksN: 1 } as const;
  await checkMatmul([75, 3], [3, 20], { plan: chosen }, forward);
});

/** An adapter of a family, with all that some adapter offers. */
const adapter = (family: Family) => ({ family, features: new Set(['subgroups']) });
const problem = (m: number, n: number, k: number, batch = 1): Problem => {
  const strides = { aM: k, aK: 1, bK: n, bN: 1, biasM: 0, biasN: 0 };
  const dims = batch > 1 ? ([[batch, m * k, k * n, 0]] as const) : [];
  return { m, n, k, batch, ...strides, dims, runs: [], swapped: false, shape: [batch, m, n] };
};

test.each(['swiftshader', 'intel', 'nvidia'] as const)('%s: within the default limits for any shape', (family) => {
  const shapes = [1, 3, 8, 17, 100, 1000, 100_000].flatMap((m) =>
    [1, 5, 16, 64, 4000].flatMap((n) =>
      [0, 1, 15, 300, 100_000].flatMap((k) => [problem(m, n, k), problem(m, n, k, 50)]),
    ),
  );
  for (const p of shapes) {
    const { variant, x, y, z, blocksM, blocksN, quads, depth, splits } = rule(adapter(family), p);
    expect(x * y * z).toBeLessThanOrEqual(256);
    expect(splits).toBeGreaterThanOrEqual(1);
    if (variant !== 'registers') expect(z).toBe(1);
    if (quads) expect([variant, family, x % 4]).toEqual(['registers', 'swiftshader', 0]);
    if (variant === 'small') expect(y).toBeGreaterThanOrEqual(4);
    if (variant !== 'tiled') continue;
    expect((x * blocksN * depth) / 4).toBeLessThanOrEqual(x * y);
    expect((y * blocksM * depth) / 4).toBeLessThanOrEqual(x * y);
    expect(16 * depth * (x * blocksN + y * blocksM)).toBeLessThanOrEqual(16_384);
  }
});

test('a GPU has tiles for large products, ranges of K for few outputs, lanes along K for few rows', () => {
  const tiled = { variant: 'tiled', splits: 1 } as const;
  expect(rule(adapter('nvidia'), problem(1024, 1024, 1024))).toMatchObject({ ...tiled, x: 8, blocksM: 2, blocksN: 2 });
  expect(rule(adapter('intel'), problem(1024, 1024, 1024))).toMatchObject({ ...tiled, blocksM: 1, blocksN: 1 });
  expect(rule(adapter('nvidia'), problem(128, 128, 8192)).splits).toBeGreaterThan(8);
  expect(rule(adapter('nvidia'), problem(1, 1, 100_000)).splits).toBe(64);
  expect(rule(adapter('nvidia'), problem(6, 384, 128))).toMatchObject({ variant: 'small', splits: 1 });
  expect(rule(adapter('nvidia'), problem(8, 8, 16, 512))).toMatchObject({
    variant: 'registers',
    blocksM: 1,
    blocksN: 1,
  });
  expect(rule(adapter('nvidia'), problem(10_000, 4, 10))).toMatchObject({ variant: 'registers' });
  const software = { variant: 'registers', blocksM: 2, blocksN: 2, quads: true, splits: 1 };
  expect(rule(adapter('swiftshader'), problem(512, 512, 512))).toMatchObject(software);
});

test.each(['intel', 'nvidia'] as const)('%s: what it picks gives the right results here too', async (family) => {
  const sizes = [[40, 36, 24, 1], [4, 4, 520, 1], [9, 12, 8, 20], [12, 10, 600, 1]] as const; // biome-ignore format: a table
  for (const [m, n, k, batch] of sizes) {
    const chosen = rule(adapter(family), problem(m, n, k, batch));
    const lead = batch > 1 ? [batch] : [];
    await checkMatmul([...lead, m, k], [...lead, k, n], { plan: chosen }, forward);
  }
});
