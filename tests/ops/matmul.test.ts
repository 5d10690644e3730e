import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autograd/tape.ts';
import { mul } from '../../src/ops/binary.ts';
import { type Plan, plan } from '../../src/ops/linalg/plan.ts';
import type { Problem, Transposed } from '../../src/ops/linalg/problem.ts';
import { type Activation, type MatmulOptions, matmul } from '../../src/ops/matmul.ts';
import { sum } from '../../src/ops/reduce.ts';
import { LimitError } from '../../src/runtime/errors.ts';
import { scope } from '../../src/runtime/scope.ts';
import type { Shape, Tensor } from '../../src/tensor.ts';
import { type CheckOptions, checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';

const F: Readonly<Record<Activation, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x / (1 + Math.exp(-x)),
};

/** By its Taylor series, whose terms stay small enough below 5; above, it is 1. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const size = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** The offset in an array of `shape` of an index into what it is broadcast to. */
function offset(shape: Shape, index: readonly number[]): number {
  let at = 0;
  shape.forEach((n, axis) => {
    at = at * n + (n === 1 ? 0 : (index[axis + index.length - shape.length] as number));
  });
  return at;
}

/** activation(a b + bias) from the definition, element by element. */
function reference({ transposeA = false, transposeB = false, activation = 'none' }: Omit<MatmulOptions, 'bias'>) {
  return (a: Nd, b: Nd, bias?: Nd): Nd => {
    const aShape = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
    const bShape = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
    const [m, k] = (transposeA ? [aShape.at(-1), aShape.at(-2)] : [aShape.at(-2), aShape.at(-1)]) as [number, number];
    const n = bShape.at(transposeB ? -2 : -1) as number;
    const rank = Math.max(aShape.length, bShape.length) - 2;
    const batch = Array.from({ length: rank }, (_, i) => {
      const [x = 1, y = 1] = [aShape[i + aShape.length - 2 - rank], bShape[i + bShape.length - 2 - rank]];
      return x === 1 ? y : x;
    });
    const shape = [...batch, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])];
    const data = new Float64Array(size(shape));
    for (let i = 0; i < data.length; i++) {
      const [column, row, product] = [i % n, Math.floor(i / n) % m, Math.floor(i / (n * m))];
      const at = indexOf(batch, product);
      const aAt = offset(aShape.slice(0, -2), at) * m * k;
      const bAt = offset(bShape.slice(0, -2), at) * k * n;
      let total = 0;
      for (let j = 0; j < k; j++) {
        const x = a.data[aAt + (transposeA ? j * m + row : row * k + j)] as number;
        total += x * (b.data[bAt + (transposeB ? column * k + j : j * n + column)] as number);
      }
      if (bias) total += bias.data[offset(bias.shape, indexOf(shape, i))] as number;
      data[i] = F[activation](total);
    }
    return { shape, data };
  };
}

function indexOf(shape: Shape, flat: number): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const n of [...shape].reverse()) {
    index.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  return index;
}

type Case = Omit<MatmulOptions, 'bias'> & { readonly bias?: Shape };

/** Holds matmul to the definition for operands of these shapes (as stored). */
async function check(a: Shape | Input, b: Shape | Input, { bias, ...options }: Case = {}, checks: CheckOptions = {}): Promise<void> {
  const op = (x: Tensor, y: Tensor, z?: Tensor) => matmul(x, y, z ? { ...options, bias: z } : options);
  const dtype = 'shape' in a ? (a.dtype ?? 'f32') : 'f32';
  await checkOp(gpu, op as (...inputs: Tensor[]) => Tensor, reference(options) as never, bias ? [a, b, { shape: bias, dtype }] : [a, b], checks);
}

const stored = (m: number, n: number, transposed: boolean): Shape => (transposed ? [n, m] : [m, n]);
const TRANSPOSES = [[false, false], [false, true], [true, false], [true, true]] as const;
const forward = { gradient: false };

type NamedPlan = readonly [name: string, plan: Partial<Plan>, tile: readonly [m: number, n: number, k: number]];
const MAIN_PLANS: readonly NamedPlan[] = [
  ['registers 8 x 8', { variant: 'registers', x: 8, y: 2, z: 1, blocksM: 2, blocksN: 2 }, [16, 64, 4]],
  // Small tiles: what SwiftShader takes to compile grows with the workgroup memory.
  ['tiled, each brings blocks of A and B', { variant: 'tiled', x: 4, y: 4, blocksM: 2, blocksN: 2, depth: 8 }, [32, 32, 8]],
  ['small', { variant: 'small', x: 2, y: 8 }, [4, 8, 32]],
];
const MORE_PLANS: readonly NamedPlan[] = [
  ['registers 4 x 4', { variant: 'registers', x: 2, y: 2, z: 2, blocksM: 1, blocksN: 1 }, [8, 8, 4]],
  ['registers 4 x 8', { variant: 'registers', x: 4, y: 1, z: 4, blocksM: 1, blocksN: 2 }, [4, 32, 8]],
  ['registers 8 x 4, K split', { variant: 'registers', x: 2, y: 2, z: 2, blocksM: 2, blocksN: 1, splits: 3 }, [16, 8, 24]],
  ['tiled, half bring A and half B', { variant: 'tiled', x: 4, y: 4, blocksM: 1, blocksN: 1, depth: 8 }, [16, 16, 8]],
  ['tiled, K split', { variant: 'tiled', x: 4, y: 8, blocksM: 2, blocksN: 1, depth: 8, splits: 4 }, [64, 16, 64]],
  ['small, K split', { variant: 'small', x: 1, y: 4, splits: 5 }, [4, 4, 80]],
];
const PLANS = [...MAIN_PLANS, ...MORE_PLANS];

// Most of the time goes into compiling: one activation for all, and the wider plans meet each combination of transposes.
const end = { activation: 'relu' } as const;

test.each(MAIN_PLANS.flatMap((p) => TRANSPOSES.map((t) => [...p, ...t] as const)))('%s: around the sizes of a tile', async (_, plan, tile, transposeA, transposeB) => {
  await aroundTile(plan, tile, { transposeA, transposeB });
});

test.each(MORE_PLANS)('%s: around the sizes of a tile', (_, plan, tile) => aroundTile(plan, tile, {}));

async function aroundTile(plan: Partial<Plan>, [tm, tn, tk]: readonly [number, number, number], transposes: Transposed): Promise<void> {
  const { transposeA = false, transposeB = false } = transposes;
  const around = [-1, 0, 1];
  const sizes = around.flatMap((dm, i) => around.map((dn, j) => [tm + dm, tn + dn, tk + (around[(i + j) % 3] as number)] as const));
  for (const [m, n, k] of [...sizes, [2 * tm + 4, 2 * tn + 4, tk + 4], [3, 2, 5], [2, tn + 4, 3], [tm + 4, 3, 2 * tk]] as const) {
    await check(stored(m, k, transposeA), stored(k, n, transposeB), { plan, ...transposes, bias: [n], ...end }, forward);
  }
}

test.each(PLANS)('%s: a batch, with operands and bias broadcast over it; one row; nothing along K', async (_, plan) => {
  await check([2, 3, 5, 6], [3, 6, 4], { plan, bias: [2, 1, 5, 1], ...end }, forward);
  await check([3, 1, 6, 5], [1, 4, 7, 6], { plan, transposeA: true, transposeB: true, bias: [3, 4, 5, 7], ...end }, forward);
  await check([8, 12], [3, 12, 4], { plan, bias: [3, 1, 4], ...end }, forward);
  await check([1, 9], [9, 21], { plan, bias: [1], ...end }, forward);
  await check([5, 0], [0, 7], { plan, bias: [7], ...end }, forward);
});

test.each(PLANS)('%s: NaN stays in its row, its column and its product', async (_, plan) => {
  const random = (count: number, at: (i: number) => boolean) => Float32Array.from({ length: count }, (_, i) => (at(i) ? Number.NaN : Math.cos(i)));
  // Product 1 is NaN altogether; in product 0, row 2 of A and column 1 of B.
  const a = { shape: [2, 6, 7], data: random(84, (i) => i >= 42 || (i >= 14 && i < 21)) };
  const b = { shape: [2, 7, 5], data: random(70, (i) => i >= 35 || i % 5 === 1) };
  await check(a, b, { plan }, forward);
});

test.each([1, 2])('tiles as large as on a GPU, %s blocks', async (blocks) => {
  const plan = { variant: 'tiled', x: 8, y: 8, blocksM: blocks, blocksN: blocks, depth: 16 } as const;
  await check([65, 20], [20, 68], { plan, bias: [68] }, forward);
});

test('a band of tiles is eight rows of them', () => check([75, 3], [3, 20], { plan: { variant: 'registers', x: 2, y: 2, blocksM: 1, blocksN: 1 } }, forward));

test.each(TRANSPOSES)('the planner\'s choice and its gradients, transposeA %s, transposeB %s', async (transposeA, transposeB) => {
  for (const [m, n, k] of [[1, 1, 1], [3, 5, 7], [4, 8, 12], [1, 9, 4], [9, 1, 4], [6, 2, 1]] as const) {
    await check(stored(m, k, transposeA), stored(k, n, transposeB), { transposeA, transposeB });
  }
});

describe('plans', () => {
  const families = ['software', 'modest', 'large'] as const;
  const shapes = [1, 3, 8, 17, 100, 1000, 100_000].flatMap((m) => [1, 5, 16, 64, 4000].flatMap((n) => [0, 1, 15, 300, 100_000].map((k) => ({ m, n, k }))));
  const problem = (m: number, n: number, k: number, batch = 1): Problem => ({
    m, n, k, batch, aM: k, aK: 1, bK: n, bN: 1, biasM: 0, biasN: 0, dims: batch > 1 ? [[batch, m * k, k * n, 0]] : [], swapped: false, shape: [batch, m, n],
  });

  test.each(families)('%s: within the default limits for any shape', (family) => {
    for (const { m, n, k } of shapes) {
      for (const batch of [1, 50]) {
        const { variant, x, y, z, blocksM, blocksN, depth, splits } = plan(family, problem(m, n, k, batch));
        expect(x * y * z).toBeLessThanOrEqual(256);
        expect(splits).toBeGreaterThanOrEqual(1);
        if (variant !== 'registers') expect(z).toBe(1);
        if (variant === 'small') expect(y).toBeGreaterThanOrEqual(4);
        if (variant !== 'tiled') continue;
        expect((x * blocksN * depth) / 4).toBeLessThanOrEqual(x * y);
        expect((y * blocksM * depth) / 4).toBeLessThanOrEqual(x * y);
        expect(16 * depth * (x * blocksN + y * blocksM)).toBeLessThanOrEqual(16_384);
      }
    }
  });

  test('a GPU has tiles for large products, ranges of K for few outputs, lanes along K for few rows', () => {
    expect(plan('large', problem(1024, 1024, 1024))).toMatchObject({ variant: 'tiled', blocksM: 2, blocksN: 2, splits: 1 });
    expect(plan('modest', problem(1024, 1024, 1024))).toMatchObject({ variant: 'tiled', blocksM: 1, blocksN: 1, splits: 1 });
    expect(plan('large', problem(128, 128, 8192)).splits).toBeGreaterThan(8);
    expect(plan('large', problem(1, 1, 100_000)).splits).toBe(64);
    expect(plan('large', problem(6, 384, 128))).toMatchObject({ variant: 'small', splits: 1 });
    expect(plan('large', problem(8, 8, 16, 512))).toMatchObject({ variant: 'registers' });
    expect(plan('software', problem(512, 512, 512))).toMatchObject({ variant: 'registers', blocksM: 2, blocksN: 2, splits: 1 });
  });

  test.each(['modest', 'large'] as const)('%s: what it picks gives the right results here too', async (family) => {
    for (const [m, n, k, batch] of [[40, 36, 24, 1], [4, 4, 520, 1], [9, 12, 8, 20], [12, 10, 600, 1]] as const) {
      const chosen = plan(family, problem(m, n, k, batch));
      await check(batch > 1 ? [batch, m, k] : [m, k], batch > 1 ? [batch, k, n] : [k, n], { plan: chosen }, forward);
    }
  });
});

describe('f16', () => {
  const dtype = 'f16';
  const half = gpu.features.has('shader-f16');

  test.each(PLANS)('%s', async (_, plan) => {
    if (!half) expect(() => gpu.empty([1], dtype)).toThrow(LimitError);
    else for (const [m, n, k] of [[17, 9, 70], [4, 8, 64]] as const) await check({ shape: [m, k], dtype }, { shape: [k, n], dtype }, { plan, bias: [n], ...end }, forward);
  });

  test('gradients, and sums in f32', async () => {
    if (!half) return void expect(() => gpu.empty([1], dtype)).toThrow(LimitError);
    await check({ shape: [2, 3, 4], dtype }, { shape: [5, 4], dtype }, { transposeB: true, bias: [5], activation: 'silu' });
    // 4096 products of 1: a sum in f16 would stop at 2048.
    const ones = { shape: [1, 4096], dtype, data: new Float32Array(4096).fill(1) } as const;
    await check(ones, { ...ones, shape: [4096, 1] }, {}, forward);
  });
});

test.each(PLANS)('%s: the same bits each time', async (_, plan) => {
  const random = (shape: Shape) => gpu.tensor(Float32Array.from({ length: size(shape) }, () => Math.random()), shape);
  const [a, b] = [random([19, 333]), random([333, 21])];
  const [x, y] = [matmul(a, b, { plan }), matmul(a, b, { plan })];
  expect(await x.data()).toEqual(await y.data());
  for (const t of [a, b, x, y]) t.dispose();
});

test('errors say what was wrong', () => {
  const t = (...shape: number[]) => gpu.zeros(shape);
  const integer = gpu.zeros([2, 2], 'i32');
  expect(() => matmul(t(2, 3), t(4, 5))).toThrow('matmul: the inner sizes must agree (3 and 4), got a: f32[2, 3] and b: f32[4, 5]');
  expect(() => matmul(t(2, 3), t(4, 5), { transposeA: true, transposeB: true })).toThrow('must agree (2 and 5), got a: f32[2, 3] transposed and b: f32[4, 5] transposed');
  expect(() => matmul(t(), t(4))).toThrow('matmul: a and b must have at least 1 dimension, got a: f32[] and b: f32[4]');
  expect(() => matmul(t(3), t(3), { transposeA: true })).toThrow('matmul: a vector cannot be transposed, got a: f32[3] transposed and b: f32[3]');
  expect(() => matmul(t(2, 3, 4), t(3, 4, 5))).toThrow('matmul: the batch dimensions do not broadcast, got a: f32[2, 3, 4] and b: f32[3, 4, 5]');
  expect(() => matmul(t(2, 3), t(3, 5), { bias: t(4) })).toThrow('matmul: bias must broadcast to the output [2, 5], got f32[4]');
  expect(() => matmul(t(2, 3), t(3, 5), { bias: t(1, 1, 5) })).toThrow('matmul: bias must broadcast to the output [2, 5], got f32[1, 1, 5]');
  expect(() => matmul(integer, integer)).toThrow('matmul: a must be f32 or f16, got i32[2, 2]');
  expect(() => matmul(t(2, 2), t(2, 2), { bias: integer })).toThrow('matmul: a and b and bias must have the same dtype');
  expect(() => matmul(t(2, 2), t(2, 2), { activation: 'toString' as Activation })).toThrow('matmul: activation must be one of none, relu, tanh, sigmoid, gelu, silu, got toString');
});

describe('shapes', () => {
  test('vectors: a row on the left, a column on the right', async () => {
    await check([5], [5]);
    await check([5], [5, 3]);
    await check([4, 5], [5]);
    await check([5], [2, 5, 3]);
    await check([2, 3, 4, 5], [5]);
    await check([5], [2, 3, 5], { transposeB: true, bias: [2, 3], activation: 'silu' });
    await check([2, 5, 4], [5], { transposeA: true, bias: [2, 1] });
    await check([300], [300]);
  });

  test('batches broadcast, and their gradients are summed', async () => {
    await check([2, 3, 4], [4, 5]);
    await check([2, 3, 4], [1, 4, 5]);
    await check([2, 3, 4], [1, 1, 4, 5]);
    await check([3, 4], [2, 4, 5]);
    await check([2, 1, 3, 4], [3, 4, 5]);
    await check([2, 4, 3], [4, 5], { transposeA: true });
    await check([2, 3, 4], [5, 4], { transposeB: true });
    await check([2, 3, 1, 1, 2, 3], [1, 3, 1, 2, 3, 2], {}, forward);
    await check([2, 1, 2, 1, 2, 1, 2, 2], [1, 2, 1, 2, 1, 2, 2, 2], { bias: [2, 2] }, forward);
    await check([2, 2, 1, 2, 2, 1, 3, 2], [2, 3], {}, forward);
  });

  test('a shared weight is one product over the rows of the whole batch, and so is its gradient', async () => {
    const [x, w] = [gpu.zeros([2, 3, 8]), gpu.zeros([8, 4])];
    gpu.resetCounters();
    scope(() => valueAndGrad(() => sum(matmul(x, w)), [x, w]));
    const { dispatches } = gpu.counters();
    gpu.resetCounters();
    const [x2, w2] = [gpu.zeros([6, 8]), gpu.zeros([8, 4])];
    gpu.resetCounters();
    scope(() => valueAndGrad(() => sum(matmul(x2, w2)), [x2, w2]));
    expect(dispatches).toBe(gpu.counters().dispatches);
  });

  test('empty operands', async () => {
    await check([0, 4], [4, 5]);
    await check([3, 4], [4, 0]);
    await check([3, 0], [0, 5]);
    await check([2, 3, 0], [0, 5], { bias: [5] });
    await check([0, 3, 4], [4, 5], { bias: [5] });
    await check([0, 3, 4], [0, 4, 5]);
    await check([1, 3, 4], [2, 4, 0]);
    await check([0], [0]);
  });

  test.each([[1], [6], [5, 6], [5, 1], [1, 1], [3, 1, 6], [2, 1, 1, 1], [2, 3, 5, 6], []])('bias of shape %j', async (...bias) => {
    await check([2, 3, 5, 4], [3, 4, 6], { bias });
  });
});

describe.each(Object.keys(F) as Activation[])('activation %s', (activation) => {
  test('forward and gradients', async () => {
    await check([3, 5, 8], [8, 12], { activation, bias: [12] });
    await check([7, 3], [5, 3], { activation, transposeB: true });
  });

  test('after K was split', () => check([6, 300], [300, 7], { activation, bias: [7], plan: { splits: 3 } }, { gradient: false }));

  test('a gradient of the gradient', async () => {
    const inner = (x: Tensor, w: Tensor, b: Tensor) => sum(mul(matmul(x, w, { bias: b, activation }), matmul(x, w, { activation: 'sigmoid' })));
    const gradients = (x: Tensor, w: Tensor, b: Tensor) => grad(() => inner(x, w, b), [x, w, b]) as Tensor[];
    await checkOp(gpu, (x, w, b) => gradients(x as Tensor, w as Tensor, b as Tensor), numericGradients(activation), [[3, 4], [4, 2], [2]], { forward: 1e-4, backward: 3e-4 });
  });
});

/** Central differences of the same function in f64: the definition of what `inner`'s gradients are. */
function numericGradients(activation: Activation) {
  return (...inputs: Nd[]): Nd[] => {
    const loss = () => {
      const [x, w, b] = inputs as [Nd, Nd, Nd];
      const left = reference({ activation })(x, w, b).data;
      const right = reference({ activation: 'sigmoid' })(x, w).data;
      return left.reduce((total, v, i) => total + v * (right[i] as number), 0);
    };
    return inputs.map(({ shape, data }) => ({
      shape,
      data: data.map((v, i) => {
        const h = 1e-4;
        const at = (d: number) => {
          data[i] = v + d;
          const value = loss();
          data[i] = v;
          return value;
        };
        // Fourth order, since these differences are differentiated by differences again.
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      }),
    }));
  };
}
