import { expect, test } from 'vitest';
import { grad, vjp } from '../../src/autograd/tape.ts';
import { unaryBackward, unary as unaryKernel } from '../../src/generated/kernels.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import * as ops from '../../src/ops/unary.ts';
import { ArgumentError, DTypeError, LimitError } from '../../src/runtime/errors.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, expectClose } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { gpu, guards } from '../helpers/gpu.ts';
import { elementwise } from '../helpers/nd.ts';
import { erf, erfc, sigmoid, softplus, spread, ulps } from '../helpers/special.ts';

interface Case {
  readonly op: (x: Tensor) => Tensor;
  readonly f: (x: number) => number;
  /** Where gradients are checked: away from kinks and poles by more than the step of the differences. */
  readonly range?: readonly [number, number];
  /** Units in the last place that the value may be off, over all f32 whose value is a normal number. */
  readonly ulps: number;
  /** Where the result is below this the ULPs do not count: an inner value falls below the normal numbers there. */
  readonly tiny?: number;
}

const hardSigmoid = (x: number, a = 1 / 6, b = 0.5) => Math.min(1, Math.max(0, a * x + b));
const geluTanh = (x: number) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
const even = (x: number) => (x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const TINY = 1e-36;

// Division and sqrt are allowed the 2.5 ULP that WGSL promises; the other bounds are 1.3 to 2 times what was measured.
const CASES: Readonly<Record<string, Case>> = {
  neg: { op: ops.neg, f: (x) => -x, ulps: 0 },
  abs: { op: ops.abs, f: Math.abs, range: [0.1, 2], ulps: 0 },
  sign: { op: ops.sign, f: Math.sign, range: [-2, -0.1], ulps: 0 },
  floor: { op: ops.floor, f: Math.floor, range: [1.1, 1.9], ulps: 0 },
  ceil: { op: ops.ceil, f: Math.ceil, range: [1.1, 1.9], ulps: 0 },
  round: { op: ops.round, f: even, range: [0.6, 1.4], ulps: 0 },
  exp: { op: ops.exp, f: Math.exp, range: [-3, 3], ulps: 2 },
  expm1: { op: ops.expm1, f: Math.expm1, range: [-3, 3], ulps: 3 },
  log: { op: ops.log, f: Math.log, range: [0.2, 4], ulps: 2 },
  log1p: { op: ops.log1p, f: Math.log1p, range: [-0.8, 4], ulps: 4 },
  sqrt: { op: ops.sqrt, f: Math.sqrt, range: [0.2, 4], ulps: 2.5 },
  rsqrt: { op: ops.rsqrt, f: (x) => 1 / Math.sqrt(x), range: [0.2, 4], ulps: 2.5 },
  square: { op: ops.square, f: (x) => x * x, range: [-3, 3], ulps: 0.51 },
  reciprocal: { op: ops.reciprocal, f: (x) => 1 / x, range: [0.2, 4], ulps: 2.5 },
  sin: { op: ops.sin, f: Math.sin, range: [-9, 9], ulps: 3 },
  cos: { op: ops.cos, f: Math.cos, range: [-9, 9], ulps: 3 },
  tan: { op: ops.tan, f: Math.tan, range: [-1.2, 1.2], ulps: 7 },
  tanh: { op: ops.tanh, f: Math.tanh, range: [-3, 3], ulps: 4 },
  sigmoid: { op: ops.sigmoid, f: sigmoid, range: [-5, 5], ulps: 4 },
  hardSigmoid: { op: ops.hardSigmoid, f: hardSigmoid, range: [-2.9, 2.9], ulps: 0, tiny: Infinity },
  'hardSigmoid 0.4': {
    op: (x) => ops.hardSigmoid(x, { slope: 0.4, offset: 0.2 }),
    f: (x) => hardSigmoid(x, 0.4, 0.2),
    range: [2.1, 5],
    ulps: 0,
    tiny: Infinity,
  },
  relu: { op: ops.relu, f: (x) => Math.max(x, 0), range: [0.1, 2], ulps: 0 },
  'relu below 0': { op: ops.relu, f: (x) => Math.max(x, 0), range: [-2, -0.1], ulps: 0 },
  leakyRelu: { op: ops.leakyRelu, f: (x) => (x > 0 ? x : 0.01 * x), range: [-2, -0.1], ulps: 1 },
  'leakyRelu 0.3': {
    op: (x) => ops.leakyRelu(x, { slope: 0.3 }),
    f: (x) => (x > 0 ? x : 0.3 * x),
    range: [-2, -0.1],
    ulps: 1,
  },
  elu: { op: ops.elu, f: (x) => (x > 0 ? x : Math.expm1(x)), range: [-3, 3], ulps: 3 },
  'elu 1.5': {
    op: (x) => ops.elu(x, { alpha: 1.5 }),
    f: (x) => (x > 0 ? x : 1.5 * Math.expm1(x)),
    range: [-3, -0.1],
    ulps: 3,
    tiny: TINY,
  },
  selu: {
    op: ops.selu,
    f: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
    range: [-3, -0.1],
    ulps: 4,
    tiny: TINY,
  },
  silu: { op: ops.silu, f: (x) => x * sigmoid(x), range: [-5, 5], ulps: 4, tiny: TINY },
  hardSwish: { op: ops.hardSwish, f: (x) => x * hardSigmoid(x), range: [-2.9, 2.9], ulps: 3 },
  mish: { op: ops.mish, f: (x) => x * Math.tanh(softplus(x)), range: [-5, 5], ulps: 8, tiny: TINY },
  gelu: { op: ops.gelu, f: (x) => x * 0.5 * erfc(-x / Math.SQRT2), range: [-5, 5], ulps: 8, tiny: TINY },
  'gelu tanh': { op: (x) => ops.gelu(x, { approximate: 'tanh' }), f: geluTanh, range: [-5, 5], ulps: 200, tiny: TINY }, // the cubic, up to 80, is rounded before exp
  softplus: { op: ops.softplus, f: softplus, range: [-5, 5], ulps: 4 },
  softsign: { op: ops.softsign, f: (x) => x / (1 + Math.abs(x)), range: [0.1, 5], ulps: 3.5 },
  erf: { op: ops.erf, f: erf, range: [-3, 3], ulps: 4 },
  clamp: {
    op: (x) => ops.clamp(x, -0.5, 0.75),
    f: (x) => Math.min(0.75, Math.max(-0.5, x)),
    range: [-0.4, 0.7],
    ulps: 0,
  },
  'clamp above': { op: (x) => ops.clamp(x, undefined, 0.5), f: (x) => Math.min(0.5, x), range: [0.6, 2], ulps: 0 },
};
const named = Object.entries(CASES).map(([name, c]) => ({ name, ...c }));

test('every op of the kernel is tested', () => {
  const kernelOps = Object.keys(unaryKernel.ops);
  expect(kernelOps.length).toBe(new Set(Object.values(unaryKernel.ops)).size);
  const tested = new Set(
    Object.keys(CASES).map((n) =>
      n.replace('gelu tanh', 'gelu_tanh').split(' ')[0]?.replace(/[A-Z]/g, '_$&').toUpperCase(),
    ),
  );
  expect(kernelOps.filter((o) => !tested.has(o))).toEqual([]);
});

test.each(named)('$name: value and gradient', async ({ op, f, range = [-2, 2] }) => {
  await checkOp(gpu, op, (x) => elementwise(f, x), [{ shape: [3, 13], range }]);
});

test.each(named)('$name: gradient of the gradient', async ({ op, f, range = [-2, 2] }) => {
  const random = testRandom(3);
  const points = Float64Array.from({ length: 21 }, () => Math.fround(range[0] + (range[1] - range[0]) * random()));
  const x = gpu.tensor(new Float32Array(points));
  const along = gpu.tensor(Float32Array.from(points, (_, i) => Math.cos(i)));
  // Of the square, so that the upstream gradient depends on x too.
  const got = grad(
    () =>
      sum(
        mul(
          grad(() => sum(ops.square(op(x))), x),
          along,
        ),
      ),
    x,
  );
  const h = 2e-4;
  const g = (p: number) => f(p) ** 2;
  const want = points.map((p, i) => ((g(p + h) - 2 * g(p) + g(p - h)) / (h * h)) * Math.fround(Math.cos(i)));
  expectClose('second derivative', { shape: got.shape, data: await got.data() }, { shape: [21], data: want }, 1e-4);
});

const WIDE = [...spread(1.2e-38, 3.4e38, 4000), ...spread(1e-6, 120, 8000)];

test.each(named.filter((c) => c.tiny !== Infinity))(
  '$name: a few ULP from f64 over all of f32',
  async ({ op, f, ulps: allowed, tiny = 2.4e-38 }) => {
    const y = await op(gpu.tensor(new Float32Array(WIDE))).data();
    let worst = { off: 0, at: 0, got: 0, want: 0 };
    for (const [i, v] of WIDE.entries()) {
      const [got, want] = [y[i] as number, f(v)];
      const beyond = Math.abs(want) > 3.4e38;
      if (
        Number.isNaN(want) || beyond
          ? Object.is(got, Math.fround(want)) || (beyond && Math.abs(got) > 3.4e38)
          : Math.abs(want) < tiny && Math.abs(got - want) <= tiny
      )
        continue;
      const off = Number.isFinite(got) && Number.isFinite(want) ? ulps(got, want) : Infinity;
      if (off > worst.off) worst = { off, at: v, got, want };
    }
    expect(worst.off, `f(${worst.at}) = ${worst.got}, should be ${worst.want}`).toBeLessThanOrEqual(allowed);
  },
);

test('NaN and infinities', async () => {
  const x = gpu.tensor(new Float32Array([NaN, Infinity, -Infinity, 0]));
  const want: Record<string, readonly number[]> = {
    neg: [-Infinity, Infinity, 0],
    abs: [Infinity, Infinity, 0],
    sign: [1, -1, 0],
    floor: [Infinity, -Infinity, 0],
    exp: [Infinity, 0, 1],
    expm1: [Infinity, -1, 0],
    log: [Infinity, NaN, -Infinity],
    log1p: [Infinity, NaN, 0],
    sqrt: [Infinity, NaN, 0],
    rsqrt: [0, NaN, Infinity],
    square: [Infinity, Infinity, 0],
    reciprocal: [0, 0, Infinity],
    sin: [NaN, NaN, 0],
    cos: [NaN, NaN, 1],
    tan: [NaN, NaN, 0],
    tanh: [1, -1, 0],
    sigmoid: [1, 0, 0.5],
    relu: [Infinity, 0, 0],
    elu: [Infinity, -1, 0],
    softplus: [Infinity, 0, Math.fround(Math.LN2)],
    erf: [1, -1, 0],
    gelu: [Infinity, NaN, 0],
    clamp: [0.75, -0.5, 0],
  };
  for (const [name, values] of Object.entries(want)) {
    const got = Array.from(await (CASES[name] as Case).op(x).data(), (v) => v + 0);
    expect(got, name).toEqual([NaN, ...values]);
  }
});

test.each([
  [],
  [0],
  [1],
  [2],
  [3],
  [4],
  [5],
  [7, 3],
  [1023],
  [1024],
  [1025],
  [2, 3, 1, 2, 5],
  [2, 1, 2, 1, 2, 1, 2, 3],
])('every size: [%j]', async (...shape) => {
  await checkOp(gpu, ops.tanh, (x) => elementwise(Math.tanh, x), [{ shape, range: [-2, 2] }], {
    gradient: shape[0] !== 1024,
  });
});

test('rows of workgroups', async () => {
  const n = 300 * 1024 + 3;
  await checkOp(gpu, ops.square, (x) => elementwise((v) => v * v, x), [[n]], { gradient: false });
});

test.each(['sin', 'cos', 'tan'] as const)('%s of large angles', async (name) => {
  // Multiples of 2^21 and more are next to multiples of pi/2, where all the bits of 2/pi count; the last three need the carry between words.
  const x = Float32Array.from([
    1e5,
    8192.5,
    2 ** 24,
    3.4e38,
    8191.75,
    16367173 * 2 ** 72,
    -(13214711 * 2 ** 61),
    14176128 * 2 ** 26,
    9860544 * 2 ** 100,
    8972926 * 2 ** 21,
  ]);
  const y = await (CASES[name] as Case).op(gpu.tensor(x)).data();
  x.forEach((v, i) => {
    const want = Math[name](v);
    expect(Math.abs((y[i] as number) - want) / Math.abs(want), `${name}(${v})`).toBeLessThan(6e-7);
  });
});

test('i32 and u32 stay integers', async () => {
  const data = [-2147483648, -3, -1, 0, 1, 5, 2147483647];
  const i = gpu.tensor(data, [7], { dtype: 'i32' });
  const wanted: [(x: Tensor) => Tensor, (x: number) => number][] = [
    [ops.neg, (x) => -x | 0],
    [ops.abs, (x) => Math.abs(x) | 0],
    [ops.sign, Math.sign],
    [ops.square, (x) => Math.imul(x, x)],
    [ops.relu, (x) => Math.max(x, 0)],
    [(x) => ops.clamp(x, -2, 4), (x) => Math.min(4, Math.max(-2, x))],
    [(x) => ops.clamp(x, -2), (x) => Math.max(-2, x)],
  ];
  for (const [op, f] of wanted) expect([...(await op(i).data())]).toEqual(data.map(f));
  const u = gpu.tensor([0, 1, 3000000000], [3], { dtype: 'u32' });
  expect([...(await ops.abs(u).data())]).toEqual([0, 1, 3000000000]);
  expect([...(await ops.sign(u).data())]).toEqual([0, 1, 1]);
  expect([...(await ops.square(u).data())]).toEqual([0, 1, Math.imul(3000000000, 3000000000) >>> 0]);
  expect([...(await ops.relu(u).data())]).toEqual([0, 1, 3000000000]);
  expect([...(await ops.clamp(u, 1, 2147483650).data())]).toEqual([1, 1, 2147483650]);
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.tensor([1], [1], { dtype: 'f16' })).toThrow(LimitError);
    return;
  }
  // Only loads and stores differ from f32; compiling all 32 takes a CPU adapter half a minute.
  for (const name of ['neg', 'exp', 'gelu', 'clamp', 'log']) {
    const { op, f, range = [-2, 2] } = CASES[name] as Case;
    await checkOp(gpu, op, (x) => elementwise(f, x), [{ shape: [3, 7], dtype: 'f16', range }]);
  }
  await checkOp(gpu, ops.tanh, (x) => elementwise(Math.tanh, x), [{ shape: [1025], dtype: 'f16', range: [-2, 2] }], {
    gradient: false,
  });
});

test('one dispatch forward and one backward, which reads x or y, not both', () => {
  expect(Object.keys(unaryBackward.buffers)).toEqual(['dy', 'x', 'dx']);
  const x = gpu.tensor([1, 2]);
  gpu.debug = null; // the harness dispatches too
  try {
    gpu.resetCounters();
    vjp(() => ops.silu(ops.tanh(x)), [x], [x]);
    expect(gpu.counters().dispatches).toBe(4);
  } finally {
    gpu.debug = guards;
  }
});

test('gradients at kinks', async () => {
  const at = async (op: (x: Tensor) => Tensor, ...x: number[]) => {
    const t = gpu.tensor(x);
    return [...(await grad(() => sum(op(t)), t).data())];
  };
  expect(await at(ops.abs, -1, 0, 1)).toEqual([-1, 0, 1]);
  expect(await at(ops.relu, -1, 0, 1)).toEqual([0, 0, 1]);
  expect(await at((x) => ops.leakyRelu(x, { slope: 0.5 }), -1, 0, 1)).toEqual([0.5, 0.5, 1]);
  expect(await at((x) => ops.clamp(x, -1, 1), -2, -1, 0, 1, 2)).toEqual([0, 1, 1, 1, 0]);
});

test('errors', () => {
  const i = gpu.tensor([1, 2], [2], { dtype: 'i32' });
  const u = gpu.tensor([1, 2], [2], { dtype: 'u32' });
  expect(() => ops.exp(i)).toThrow(new DTypeError('exp', 'x must be f32 or f16, got i32[2]'));
  expect(() => ops.gelu(u)).toThrow('gelu: x must be f32 or f16, got u32[2]');
  expect(() => ops.neg(u)).toThrow(new DTypeError('neg', 'x must be f32 or f16 or i32, got u32[2]'));
  expect(() => ops.abs(gpu.tensor([true]))).toThrow('abs: x must be f32 or f16 or i32 or u32, got bool[1]');
  expect(() => ops.clamp(i, 2, 1)).toThrow(new ArgumentError('clamp', 'min must not be greater than max, got 2 and 1'));
  expect(() => ops.clamp(gpu.tensor([1]), NaN, 1)).toThrow('clamp: min must not be greater than max, got NaN and 1');
  expect(() => ops.clamp(u, -1)).toThrow('clamp: min must be a value of u32, got -1');
  expect(() => ops.clamp(i, 0, 0.5)).toThrow('clamp: max must be a value of i32, got 0.5');
  expect(() => ops.gelu(gpu.tensor([1]), { approximate: 'fast' as 'tanh' })).toThrow(
    "gelu: approximate must be 'none' or 'tanh', got 'fast'",
  );
});
