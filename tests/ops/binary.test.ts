import { describe, expect, test } from 'vitest';
import { grad, vjp } from '../../src/autograd/tape.ts';
import { add, div, maximum, minimum, mul, type Operand, pow, sub } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { ArgumentError, DTypeError, LimitError, ShapeError } from '../../src/runtime/errors.ts';
import type { DType, Shape, Tensor } from '../../src/tensor.ts';
import { checkOp, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { checkHessian } from '../helpers/hessian.ts';
import { elementwise } from '../helpers/nd.ts';
import { spread, ulps } from '../helpers/special.ts';

type Op = (a: Operand, b: Operand) => Tensor;
const FLOAT: readonly (readonly [name: string, op: Op, f: (u: number, v: number) => number])[] = [
  ['add', add, (u, v) => u + v],
  ['sub', sub, (u, v) => u - v],
  ['mul', mul, (u, v) => u * v],
  ['div', div, (u, v) => u / v],
  ['pow', pow, (u, v) => u ** v],
  ['maximum', maximum, Math.max],
  ['minimum', minimum, Math.min],
];

const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[1], [1]],
  [[3], [3]],
  [[], [5]],
  [[7], [1]],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [4, 1],
    [1, 5],
  ],
  [
    [2, 3, 4],
    [3, 1],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [
    [2, 3, 4],
    [2, 1, 4],
  ],
  [
    [3, 5],
    [3, 5],
  ],
  // Nothing can be merged: as many loops as dimensions, 4 to 8.
  [
    [2, 1, 2, 1],
    [1, 2, 1, 2],
  ],
  [
    [2, 1, 2, 1, 3],
    [1, 3, 1, 2, 1],
  ],
  [
    [2, 1, 2, 1, 2, 1],
    [1, 2, 1, 3, 1, 2],
  ],
  [
    [1, 2, 1, 2, 1, 3, 1],
    [3, 1, 2, 1, 2, 1, 2],
  ],
  [
    [2, 1, 2, 1, 2, 1, 2, 1],
    [1, 2, 1, 2, 1, 2, 1, 3],
  ],
  [[0, 3], [3]],
  [[0], [1]],
  [
    [2, 0],
    [2, 1],
  ],
];

// Positive, apart from 0, and no two alike: far from the kinks and poles of every op.
const random = testRandom(5);
const values = (shape: Shape) => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5 + 2 * random());

describe.each(FLOAT)('%s', (_name, op, f) => {
  const reference = (a: Nd, b: Nd) => elementwise(f, a, b);

  test('broadcasts, and so does its gradient', async () => {
    // The walk over the operands is the same for all; compiling it for every rank and op would take long.
    for (const [a, b] of op === sub || op === div ? SHAPES : SHAPES.slice(5, 9))
      await checkOp(gpu, op, reference, [
        { shape: a, data: values(a) },
        { shape: b, data: values(b) },
      ]);
  });

  test('numbers on either side', async () => {
    const x = { shape: [3, 5], data: values([3, 5]) };
    await checkOp(
      gpu,
      (a) => op(a, 1.7),
      (a) => elementwise((u) => f(u, Math.fround(1.7)), a),
      [x],
    );
    await checkOp(
      gpu,
      (b) => op(1.7, b),
      (b) => elementwise((v) => f(Math.fround(1.7), v), b),
      [x],
    );
  });

  test('the gradient of one operand alone', async () => {
    const [a, b] = [values([2, 3]), values([3])];
    await checkOp(gpu, op, reference, [
      { shape: [2, 3], data: a },
      { shape: [3], data: b, grad: false },
    ]);
    await checkOp(gpu, op, reference, [
      { shape: [2, 3], data: a, grad: false },
      { shape: [3], data: b },
    ]);
  });

  test('the same tensor on both sides', async () => {
    // At equal operands maximum and minimum give each half: together the slope of x.
    await checkOp(
      gpu,
      (x) => op(x, x),
      (x) => elementwise((u) => f(u, u), x),
      [{ shape: [5], data: values([5]) }],
    );
  });

  test('the gradient of the gradient', async () => {
    await checkHessian(
      gpu,
      op,
      reference,
      [
        { shape: [2, 3], data: values([2, 3]) },
        { shape: [3], data: values([3]) },
      ],
      1e-3,
    ); // differences of 1e-3
    const x = { shape: [4], data: values([4]) };
    await checkHessian(
      gpu,
      (a) => mul(op(a, 1.5), a),
      (a) => elementwise((u) => f(u, 1.5) * u, a),
      [x],
      1e-3,
    );
    await checkHessian(
      gpu,
      (b) => mul(op(1.5, b), b),
      (b) => elementwise((v) => f(1.5, v) * v, b),
      [x],
      1e-3,
    );
  });
});

test.each([1, 2, 4, 5, 255, 1023, 1024, 1025])('%i elements, contiguous and broadcast', async (n) => {
  const input = (...shape: number[]) => ({ shape, data: values(shape) });
  for (const [op, f] of [
    [sub, (u: number, v: number) => u - v],
    [div, (u: number, v: number) => u / v],
  ] as const) {
    const reference = (a: Nd, b: Nd) => elementwise(f, a, b);
    await checkOp(gpu, op, reference, [input(n), input(n)], { gradient: n < 1000 });
    await checkOp(gpu, op, reference, [input(3, n), input(n)], { gradient: n < 100 });
    await checkOp(gpu, op, reference, [input(n, 3), input(n, 1)], { gradient: n < 100 });
  }
});

test('numbers cost no upload, gradients one dispatch where nothing is summed', () => {
  const [x, y] = [gpu.tensor([1, 2, 3]), gpu.tensor([4, 5, 6])];
  gpu.flush();
  gpu.debug = null; // the harness dispatches too
  try {
    gpu.resetCounters();
    add(x, 2);
    expect(gpu.counters()).toMatchObject({ dispatches: 1, writes: 0 });
    gpu.resetCounters();
    vjp(() => mul(x, y), [x, y], [x]);
    expect(gpu.counters().dispatches).toBe(2);
    gpu.resetCounters();
    vjp(() => add(x, y), [x, y], [x]);
    expect(gpu.counters().dispatches).toBe(1);
  } finally {
    gpu.debug = guards;
  }
});

const slopes = async (op: Op, a: number[], b: number[]) => {
  const [x, y] = [gpu.tensor(a), gpu.tensor(b)];
  const found = grad(() => sum(op(x, y)), [x, y]);
  return [[...(await (found[0] as Tensor).data())], [...(await (found[1] as Tensor).data())]];
};

describe('edges', () => {
  test('maximum and minimum: ties share the gradient, NaN wins', async () => {
    expect(await slopes(maximum, [1, 2, 3], [2, 2, 2])).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]);
    expect(await slopes(minimum, [1, 2, 3], [2, 2, 2])).toEqual([
      [1, 0.5, 0],
      [0, 0.5, 1],
    ]);
    const [x, y] = [gpu.tensor([NaN, 1, NaN, Infinity]), gpu.tensor([1, NaN, NaN, -Infinity])];
    expect([...(await maximum(x, y).data())]).toEqual([NaN, NaN, NaN, Infinity]);
    expect([...(await minimum(x, y).data())]).toEqual([NaN, NaN, NaN, -Infinity]);
  });

  test('IEEE: infinities, division by zero, NaN', async () => {
    const [x, y] = [gpu.tensor([1, -1, 0, Infinity, NaN, 1]), gpu.tensor([0, 0, 0, Infinity, 1, Infinity])];
    expect([...(await div(x, y).data())]).toEqual([Infinity, -Infinity, NaN, NaN, NaN, 0]);
    expect([...(await sub(x, y).data())]).toEqual([1, -1, 0, NaN, NaN, -Infinity]);
    expect([...(await mul(x, Infinity).data())]).toEqual([Infinity, -Infinity, NaN, Infinity, NaN, Infinity]);
  });

  test('pow as in C', async () => {
    const special = [0, 0.5, 1, 2, 3, -0.5, -1, -2, -3, Infinity, -Infinity, NaN];
    const pairs = special.flatMap((u) => special.map((v) => [u, v] as const));
    const y = await pow(gpu.tensor(pairs.map(([u]) => u)), gpu.tensor(pairs.map(([, v]) => v))).data();
    for (const [i, [u, v]] of pairs.entries()) {
      // JavaScript says NaN where C says 1.
      const want = u === 1 || (u === -1 && Math.abs(v) === Infinity) ? 1 : u ** v;
      const got = (y[i] as number) + 0;
      if (Number.isFinite(want))
        expect(Math.abs(got - want), `${u}^${v} = ${got}`).toBeLessThanOrEqual(1e-7 * Math.abs(want));
      else expect(got, `${u}^${v}`).toBe(want);
    }
  });

  test('whole powers of whole numbers are exact', async () => {
    const x = gpu.tensor([-3, 2, 3, 7, 10]);
    for (const n of [0, 1, 2, 3, 5])
      expect([...(await pow(x, n).data())]).toEqual([-3, 2, 3, 7, 10].map((u) => u ** n));
  });

  test('large whole powers of negative numbers keep the sign', async () => {
    const pairs = [
      [-1.5, 17],
      [-1.5, 18],
      [-0.75, -31],
      [-0.75, -32],
      [-1, 16777215],
      [-1, 16777216],
    ] as const;
    const y = await pow(gpu.tensor(pairs.map(([u]) => u)), gpu.tensor(pairs.map(([, v]) => v))).data();
    for (const [i, [u, v]] of pairs.entries())
      expect(Math.abs((y[i] as number) / u ** v - 1), `${u}^${v} = ${y[i]}`).toBeLessThan(6e-7);
  });

  test('pow is good to a few ULP', async () => {
    const bases = spread(1e-30, 1e30, 300).filter((u) => u > 0);
    const exponents = [...spread(1e-3, 30, 60), 17, 25.5, -31, 0.5, 1 / 3];
    const pairs = bases.flatMap((u) => exponents.map((v) => [u, Math.fround(v)] as const));
    const y = await pow(gpu.tensor(pairs.map(([u]) => u)), gpu.tensor(pairs.map(([, v]) => v))).data();
    let worst = 0;
    let at = '';
    for (const [i, [u, v]] of pairs.entries()) {
      const want = u ** v;
      if (want > 3.4e38 || want < 2.4e-38) continue;
      const off = ulps(y[i] as number, want);
      if (off > worst) [worst, at] = [off, `${u}^${v} = ${y[i]}, should be ${want}`];
    }
    expect(worst, at).toBeLessThan(5);
  });

  test('gradients of pow', async () => {
    // Base 0: that by the exponent is 0, that by the base v 0^(v - 1). Exponent 0: that by the base is 0. A negative base has no slope by the exponent.
    const [byBase, byExponent] = await slopes(pow, [0, 0, 0, 2, -3, -3], [0, 1, 2, 0, 2, 3]);
    expect(byBase).toEqual([0, 1, 0, 0, -6, 27]);
    expect(byExponent?.slice(0, 3)).toEqual([0, 0, 0]);
    expect(byExponent?.[3]).toBeCloseTo(Math.LN2, 6);
    expect(byExponent?.slice(4)).toEqual([NaN, NaN]);
  });
});

describe('integers', () => {
  const i = (data: number[], dtype: DType = 'i32') => gpu.tensor(data, [data.length], { dtype });

  test('i32 is exact and wraps around', async () => {
    const [a, b] = [
      [7, -7, 2147483647, -2147483648, 16777217, 5],
      [2, 2, 1, -1, 3, 0],
    ];
    const want: [Op, (u: number, v: number) => number][] = [
      [add, (u, v) => (u + v) | 0],
      [sub, (u, v) => (u - v) | 0],
      [mul, Math.imul],
      [div, (u, v) => (v === 0 ? 0 : Math.trunc(u / v) | 0)],
      [maximum, Math.max],
      [minimum, Math.min],
    ];
    for (const [op, f] of want)
      expect([...(await op(i(a), i(b)).data())]).toEqual(a.map((u, k) => f(u, b[k] as number)));
    expect([
      ...(await pow(i([2, -2, 3, 7, 0, 5, -1, 1, 2, 0]), i([10, 3, 20, 13, 0, 0, -3, -5, -1, -1])).data()),
    ]).toEqual([1024, -8, 3486784401 | 0, Number(BigInt.asIntN(32, 7n ** 13n)), 1, 1, -1, 1, 0, 0]);
    expect([...(await sub(10, i([1, 2, 3])).data())]).toEqual([9, 8, 7]);
    expect([...(await mul(i([1, 2, 3]), -4).data())]).toEqual([-4, -8, -12]);
  });

  test('u32 is exact and wraps around', async () => {
    const [a, b] = [
      [7, 4000000000, 3, 4294967295],
      [2, 3, 5, 2],
    ];
    const u = (v: number[]) => i(v, 'u32');
    const want: [Op, (u: number, v: number) => number][] = [
      [add, (u, v) => (u + v) >>> 0],
      [sub, (u, v) => (u - v) >>> 0],
      [mul, (u, v) => Math.imul(u, v) >>> 0],
      [div, (u, v) => Math.trunc(u / v)],
      [maximum, Math.max],
      [minimum, Math.min],
    ];
    for (const [op, f] of want)
      expect([...(await op(u(a), u(b)).data())]).toEqual(a.map((x, k) => f(x, b[k] as number)));
    expect([...(await pow(u([2, 3]), u([31, 21])).data())]).toEqual([
      2147483648,
      Number(BigInt.asUintN(32, 3n ** 21n)),
    ]);
    expect([...(await add(u([1, 2]), 4294967295).data())]).toEqual([0, 1]);
  });

  test('broadcast', async () => {
    for (const [a, b] of SHAPES) {
      const draw = (shape: Shape) => ({ shape, dtype: 'i32' as const, range: [-9, 9] as const });
      await checkOp(gpu, sub, (x, y) => elementwise((u, v) => u - v, x, y), [draw(a), draw(b)]);
    }
  });
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.tensor([1], [1], { dtype: 'f16' })).toThrow(LimitError);
    return;
  }
  for (const [, op, f] of FLOAT) {
    const input = (shape: Shape) => ({ shape, dtype: 'f16' as const, data: values(shape) });
    await checkOp(gpu, op, (a, b) => elementwise(f, a, b), [input([3, 5]), input([5])]);
  }
  // A number is not rounded to f16.
  expect(await mul(gpu.tensor([3], [1], { dtype: 'f16' }), 1 / 3).item()).toBe(1);
});

test('errors', () => {
  const x = gpu.tensor([1, 2, 3]);
  const i = gpu.tensor([1, 2, 3], [3], { dtype: 'i32' });
  expect(() => add(x, gpu.tensor([1, 2]))).toThrow(
    new ShapeError('add', 'shapes do not broadcast: a f32[3], b f32[2]'),
  );
  expect(() => mul(x, i)).toThrow(new DTypeError('mul', 'a and b must have the same dtype, got f32[3] and i32[3]'));
  expect(() => sub(gpu.tensor([true]), 1)).toThrow(
    new DTypeError('sub', 'a must be f32 or f16 or i32 or u32, got bool[1]'),
  );
  expect(() => pow(2, 3)).toThrow(new ArgumentError('pow', 'a or b must be a tensor, got 2 and 3'));
  expect(() => div(i, 0.5)).toThrow(new ArgumentError('div', 'a number must be a value of i32, got 0.5'));
  expect(() => maximum(-1, gpu.tensor([1], [1], { dtype: 'u32' }))).toThrow(
    'maximum: a number must be a value of u32, got -1',
  );
});
