import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad } from '../../../src/autograd/tape.ts';
import * as fovea from '../../../src/index.ts';
import type { AvgPoolOptions, LpPoolOptions, MaxPoolOptions } from '../../../src/ops/pool/index.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { LimitError } from '../../../src/runtime/errors.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, expectClose, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { gpu, guards } from '../../helpers/gpu.ts';
import { nd } from '../../helpers/nd.ts';
import { adaptiveWindowsOf, axisWindows, type PoolReference, pool } from '../../helpers/pool.ts';
import { checkSecondOrder } from '../../helpers/second_order.ts';

type Dims = 1 | 2 | 3;
const POOLS = {
  max: { 1: fovea.maxPool1d, 2: fovea.maxPool2d, 3: fovea.maxPool3d },
  avg: { 1: fovea.avgPool1d, 2: fovea.avgPool2d, 3: fovea.avgPool3d },
  lp: { 1: fovea.lpPool1d, 2: fovea.lpPool2d, 3: fovea.lpPool3d },
};
type Kind = keyof typeof POOLS;
type Options = MaxPoolOptions & AvgPoolOptions & Partial<LpPoolOptions>;

/** Numbers, or pairs for the padding, one for each dimension. */
const spread = (value: number | readonly number[] | undefined, dims: number, fill: number): readonly number[] =>
  value === undefined ? Array(dims).fill(fill) : typeof value === 'number' ? Array(dims).fill(value) : value;

function referenceOf(kind: Kind, sizes: readonly number[], options: Options): PoolReference {
  const dims = sizes.length;
  const k = spread(options.kernelSize as number, dims, 1);
  const s = spread((options.stride ?? options.kernelSize) as number, dims, 1);
  const dil = spread(options.dilation as number | undefined, dims, 1);
  const { padding = 0 } = options;
  const pairs = sizes.map((_, i) => {
    const p = typeof padding === 'number' ? padding : (padding as readonly (number | readonly [number, number])[])[i];
    return typeof p === 'number' ? [p, p] : (p as readonly [number, number]);
  });
  return {
    kind,
    windows: sizes.map((n, i) =>
      axisWindows(n, k[i]!, s[i]!, pairs[i]![0]!, pairs[i]![1]!, dil[i]!, options.ceilMode === true),
    ),
    ...(options.countIncludePad !== undefined && { countIncludePad: options.countIncludePad }),
    divisorOverride: options.divisorOverride,
    ...(options.p !== undefined && { p: options.p }),
    ...(options.layout && { layout: options.layout }),
  };
}

const sizesOf = (shape: readonly number[], layout: string | undefined) =>
  layout === 'nhwc' ? shape.slice(1, -1) : shape.slice(2);

async function check(
  kind: Kind,
  shape: readonly number[],
  options: Options,
  dtype: 'f32' | 'f16' = 'f32',
): Promise<void> {
  const dims = (shape.length - 2) as Dims;
  const reference = referenceOf(kind, sizesOf(shape, options.layout), options);
  const op = (x: Tensor) => POOLS[kind][dims](x, options as never) as Tensor;
  await checkOp(gpu, op as never, ((x: Nd) => pool(x, reference).output) as never, [{ shape, dtype }]);
}

// PyTorch's MaxPool2d, AvgPool2d and LPPool2d, https://pytorch.org/docs/stable/nn.html#pooling-layers.
const GEOMETRIES: readonly (readonly [shape: readonly number[], options: Options])[] = [
  [[2, 3, 7], { kernelSize: 3 }],
  [[1, 2, 9], { kernelSize: 4, stride: 3, padding: 2, ceilMode: true }],
  [[2, 2, 6, 7], { kernelSize: 2 }],
  [[1, 3, 7, 5], { kernelSize: [3, 2], stride: [2, 1], padding: [1, 0] }],
  [[1, 2, 8, 9], { kernelSize: 3, stride: 1, padding: 1, dilation: 2 }],
  [[1, 1, 6, 6], { kernelSize: 3, stride: 2, ceilMode: true }],
  [[1, 1, 5, 5], { kernelSize: 2, stride: 2, padding: 1, ceilMode: true }],
  [
    [1, 2, 5, 6],
    {
      kernelSize: 3,
      stride: 2,
      padding: [
        [0, 2],
        [1, 0],
      ],
    },
  ],
  [[2, 5, 6, 3], { kernelSize: 2, stride: 1, layout: 'nhwc' }],
  [[1, 7, 4, 5], { kernelSize: [3, 2], stride: 2, padding: 1, layout: 'nhwc', ceilMode: true }],
  [[1, 2, 4, 5, 6], { kernelSize: 2, stride: [1, 2, 3], padding: [0, 1, 1] }],
  [[1, 4, 3, 5, 2], { kernelSize: [2, 1, 3], stride: 1, layout: 'nhwc' }],
];

describe.each(GEOMETRIES)('%j %j', (shape, options) => {
  test('max', () => check('max', shape, options));
  test('average, padding counted', () => check('avg', shape, options));
  test('average, padding left out', () => check('avg', shape, { ...options, countIncludePad: false }));
  test('average, another divisor', () => check('avg', shape, { ...options, divisorOverride: 3 }));
  test('norm', () => check('lp', shape, { ...options, p: 2 }));
});

test('norms', async () => {
  for (const p of [1, 1.5, 3]) await check('lp', [1, 2, 5, 5], { kernelSize: 2, p });
  // The gradient of a norm of zeros is 0.
  const x = gpu.zeros([1, 1, 4]);
  expect(await grad(() => sum(fovea.lpPool1d(x, { kernelSize: 2, p: 2 })), x).data()).toEqual(new Float32Array(4));
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
    return;
  }
  const options = { kernelSize: 3, stride: 2, padding: 1 };
  for (const kind of ['max', 'avg'] as const) await check(kind, [1, 2, 7, 6], options, 'f16');
});

describe('any geometry is its definition', () => {
  const axis = fc
    .record({
      n: fc.integer({ min: 1, max: 9 }),
      k: fc.integer({ min: 1, max: 4 }),
      s: fc.integer({ min: 1, max: 4 }),
      d: fc.integer({ min: 1, max: 3 }),
    })
    .chain((a) => fc.tuple(fc.constant(a), fc.integer({ min: 0, max: a.k }), fc.integer({ min: 0, max: a.k })))
    .filter(([{ n, k, d }, before, after]) => n + before + after >= d * (k - 1) + 1);
  const random = testRandom(4);

  test.each(['max', 'avg', 'lp'] as const)('%s', async (kind) => {
    const calls = fc.record({
      axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
      ceilMode: fc.boolean(),
      nhwc: fc.boolean(),
      countIncludePad: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(calls, async ({ axes, ceilMode, nhwc, countIncludePad }) => {
        const sizes = axes.map(([{ n }]) => n);
        const shape = nhwc ? [2, ...sizes, 3] : [2, 3, ...sizes];
        const layout = nhwc ? 'nhwc' : 'nchw';
        const list = (f: (a: (typeof axes)[number]) => number) => axes.map(f);
        const options: Options = {
          kernelSize: list(([{ k }]) => k),
          stride: list(([{ s }]) => s),
          dilation: list(([{ d }]) => d),
          padding: axes.map(([, before, after]) => [before, after] as const),
          ceilMode,
          layout,
          ...(kind === 'avg' && { countIncludePad }),
          ...(kind === 'lp' && { p: 3 }),
        };
        const x = nd(
          shape,
          Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.fround(random() * 2 - 1)),
        );
        const want = pool(x, referenceOf(kind, sizes, options)).output;
        using y = POOLS[kind][axes.length as Dims](
          gpu.tensor(Float32Array.from(x.data), shape),
          options as never,
        ) as Tensor;
        const finite = (v: number) => (Number.isFinite(v) ? v : -1e3);
        const data = Float64Array.from(await y.data(), finite);
        expectClose(
          'y',
          { shape: y.shape, data },
          { shape: want.shape, data: Float64Array.from(want.data, finite) },
          1e-5,
        );
      }),
      { numRuns: 40, seed: 3 },
    );
    await guards.verify();
  });
});

describe.each(['nchw', 'nhwc'] as const)('windows of 2 and 3 along W, which kernels write out, %s', (layout) => {
  const random = testRandom(6);
  const shape = layout === 'nchw' ? [2, 5, 14] : [2, 14, 5];
  const values = Array.from({ length: 140 }, () => Math.fround(random() * 2 - 1));
  const cases = [2, 3].flatMap((kernelSize) =>
    [1, 2, 3].flatMap((stride) =>
      [1, 2].flatMap((dilation) => [0, 1].map((padding) => ({ kernelSize, stride, dilation, padding, layout }))),
    ),
  );

  test.each(cases)('k$kernelSize s$stride d$dilation p$padding', async (options) => {
    for (const kind of ['max', 'avg'] as const) {
      const want = pool(nd(shape, Float64Array.from(values)), referenceOf(kind, [14], options)).output;
      const y = POOLS[kind][1](gpu.tensor(values, shape), options) as Tensor;
      expectClose(kind, { shape: y.shape, data: Float64Array.from(await y.data()) }, want, 1e-6);
    }
    // NaN, as the kernel has it that keeps indices.
    const broken = values.map((v, i) => (i % 17 ? v : Number.NaN));
    const x = gpu.tensor(broken, shape);
    const { output } = fovea.maxPool1d(x, { ...options, returnIndices: true });
    expect(await fovea.maxPool1d(x, options).data()).toEqual(await output.data());
  });
});

describe('indices, ties and NaN, as in PyTorch', () => {
  test('indices are places in the plane', async () => {
    for (const [shape, options] of GEOMETRIES) {
      const dims = (shape.length - 2) as Dims;
      const random = testRandom(shape.length);
      const x = nd(
        shape,
        Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.fround(random())),
      );
      const want = pool(x, referenceOf('max', sizesOf(shape, options.layout), options)).indices;
      const { indices } = POOLS.max[dims](gpu.tensor(Float32Array.from(x.data), [...shape]), {
        ...options,
        returnIndices: true,
      });
      expect([...(await indices.data())]).toEqual([...want.data]);
    }
  });

  test('the first of equal ones is chosen, and gets the gradient', async () => {
    const x = gpu.tensor([1, 3, 3, 3, 0, -0], [1, 1, 6]);
    const { output, indices } = fovea.maxPool1d(x, { kernelSize: 3, returnIndices: true });
    expect([await output.data(), await indices.data()]).toEqual([Float32Array.of(3, 3), Int32Array.of(1, 3)]);
    const dx = grad(() => sum(fovea.maxPool1d(x, { kernelSize: 3 })), x);
    expect([...(await dx.data())]).toEqual([0, 1, 0, 1, 0, 0]);
  });

  test('the values are the same bits without indices, which nobody asked for', async () => {
    const random = testRandom(5);
    const data = Array.from({ length: 2 * 3 * 9 * 7 }, () => {
      const v = random();
      return v < 0.1 ? Number.NaN : v < 0.4 ? Number.NEGATIVE_INFINITY : v;
    });
    for (const layout of ['nchw', 'nhwc'] as const) {
      const x = gpu.tensor(data, layout === 'nchw' ? [2, 3, 9, 7] : [2, 9, 7, 3]);
      const options = { kernelSize: 3, stride: 2, padding: 1, dilation: [1, 2], layout };
      const { output } = fovea.maxPool2d(x, { ...options, returnIndices: true });
      const alone = fovea.maxPool2d(x, options);
      expect(await alone.data()).toEqual(await output.data());
    }
  });

  test('NaN wins, the last of several; -inf is a value like others', async () => {
    const x = gpu.tensor([1, Number.NaN, 5, Number.NaN, -Infinity, -Infinity], [1, 1, 6]);
    const { output, indices } = fovea.maxPool1d(x, { kernelSize: [4], stride: [1], returnIndices: true });
    expect([...(await output.data())]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([...(await indices.data())]).toEqual([3, 3, 3]);
    const low = fovea.maxPool1d(gpu.tensor([-Infinity, -Infinity], [1, 1, 2]), { kernelSize: 2, returnIndices: true });
    expect([await low.output.item(), await low.indices.item()]).toEqual([-Infinity, 0]);
  });

  test('a window that holds nothing', async () => {
    const x = gpu.tensor([1, 2], [1, 1, 2]);
    const options = { kernelSize: 2, stride: 1, padding: 3 };
    const { output, indices } = fovea.maxPool1d(x, { ...options, returnIndices: true });
    expect([...(await output.data())]).toEqual([-Infinity, -Infinity, 1, 2, 2, -Infinity, -Infinity]);
    expect([...(await indices.data())]).toEqual([-1, -1, 0, 1, 1, -1, -1]);
    expect([...(await fovea.avgPool1d(x, { ...options, countIncludePad: false }).data())]).toEqual([
      0, 0, 1, 1.5, 2, 0, 0,
    ]);
    expect([...(await grad(() => sum(fovea.avgPool1d(x, options)), x).data())]).toEqual([1, 1]);
  });

  test("'same' paddings, upper and lower, and 'valid'", async () => {
    const x = gpu.tensor([1, 2, 3, 4, 5, 6], [1, 1, 6]);
    const run = async (padding: fovea.Padding) => [
      ...(await fovea.maxPool1d(x, { kernelSize: 4, stride: 2, padding }).data()),
    ];
    expect(await run('same-upper')).toEqual([3, 5, 6]);
    expect(await run('same-lower')).toEqual([3, 5, 6]);
    expect([
      ...(await fovea.avgPool1d(x, { kernelSize: 2, stride: 1, padding: 'same-upper', countIncludePad: false }).data()),
    ]).toEqual([1.5, 2.5, 3.5, 4.5, 5.5, 6]);
    expect([
      ...(await fovea.avgPool1d(x, { kernelSize: 2, stride: 1, padding: 'same-lower', countIncludePad: false }).data()),
    ]).toEqual([1, 1.5, 2.5, 3.5, 4.5, 5.5]);
    expect(await run('valid')).toEqual([4, 6]);
  });
});

describe('adaptive', () => {
  test.each([
    [[2, 3, 7], [3]],
    [
      [1, 2, 5, 7],
      [2, 3],
    ],
    [
      [1, 2, 4, 3],
      [7, 1],
    ],
    [
      [1, 2, 3, 5, 4],
      [2, 2, 3],
    ],
  ])('%j to %j', async (shape, outputs) => {
    const dims = outputs.length as Dims;
    const windows = outputs.map((n, i) => adaptiveWindowsOf(shape[i + 2] as number, n));
    const avg = { 1: fovea.adaptiveAvgPool1d, 2: fovea.adaptiveAvgPool2d, 3: fovea.adaptiveAvgPool3d }[dims];
    const max = { 1: fovea.adaptiveMaxPool1d, 2: fovea.adaptiveMaxPool2d, 3: fovea.adaptiveMaxPool3d }[dims];
    await checkOp(
      gpu,
      (x) => avg(x as Tensor, outputs),
      (x) => pool(x as Nd, { kind: 'avg', windows }).output,
      [shape],
    );
    await checkOp(
      gpu,
      (x) => max(x as Tensor, outputs) as Tensor,
      (x) => pool(x as Nd, { kind: 'max', windows }).output,
      [shape],
    );
  });

  test('null keeps a size, channels last', async () => {
    const x = gpu.tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [1, 4, 3, 2],
    );
    const y = fovea.adaptiveMaxPool2d(x, [2, null], { layout: 'nhwc', returnIndices: true });
    expect(y.output.shape).toEqual([1, 2, 3, 2]);
    expect([...(await y.indices.data())]).toEqual([3, 3, 4, 4, 5, 5, 9, 9, 10, 10, 11, 11]);
  });
});

describe('max unpooling', () => {
  test('puts maxima back, twice chosen ones once', async () => {
    const x = gpu.tensor([1, 9, 2, 3, 4, 5], [1, 1, 6]);
    const two = fovea.maxPool1d(x, { kernelSize: 2, returnIndices: true });
    const back = fovea.maxUnpool1d(two.output, two.indices, { kernelSize: 2 });
    expect([...(await back.data())]).toEqual([0, 9, 0, 3, 0, 5]);
    const many = fovea.maxPool1d(x, { kernelSize: 3, stride: 1, returnIndices: true });
    const again = fovea.maxUnpool1d(many.output, many.indices, { kernelSize: 3, stride: 1 });
    expect([...(await again.data())]).toEqual([0, 9, 0, 0, 4, 5]);
  });

  test('planes, padding, channels last and sizes of its own', async () => {
    for (const layout of ['nchw', 'nhwc'] as const) {
      const shape = layout === 'nchw' ? [2, 3, 6, 4] : [2, 6, 4, 3];
      const random = testRandom(9);
      const x = gpu.tensor(
        Float32Array.from({ length: 144 }, () => random() + 1),
        shape,
      );
      const options = { kernelSize: 2, layout } as const;
      const { output, indices } = fovea.maxPool2d(x, { ...options, returnIndices: true });
      const y = fovea.maxUnpool2d(output, indices, options);
      expect(y.shape).toEqual(shape);
      expect(await fovea.maxPool2d(y, options).data()).toEqual(await output.data());
      expect([...(await y.data())].filter((v) => v !== 0)).toHaveLength(36);
      const larger = fovea.maxUnpool2d(output, indices, { ...options, outputSize: [7, 4] });
      expect(larger.shape).toEqual(layout === 'nchw' ? [2, 3, 7, 4] : [2, 7, 4, 3]);
    }
  });
});

describe('gradients of gradients', () => {
  test('of an average', () =>
    checkSecondOrder(gpu, (x) => fovea.avgPool2d(x, { kernelSize: 2, stride: 1, padding: 1 }), [1, 1, 3, 4]));
  test('of a maximum', () =>
    checkSecondOrder(gpu, (x) => fovea.maxPool2d(x, { kernelSize: 2, stride: 1 }), [1, 1, 3, 4], true));
});

test('4.2 million outputs, in more workgroups than a dimension has', async () => {
  const n = 65_536 * 64 + 7;
  using x = fovea.arange(gpu, 0, n);
  using y = fovea.maxPool1d(fovea.reshape(x, [1, 1, n]), { kernelSize: 2, stride: 1 });
  const data = await y.data();
  expect([data.length, data[0], data[n - 2]]).toEqual([n - 1, 1, Math.fround(n - 1)]);
});

test('the same gradients twice, bit for bit', async () => {
  const random = testRandom(1);
  const x = gpu.tensor(
    Float32Array.from({ length: 2 * 9 * 9 }, () => random()),
    [1, 2, 9, 9],
  );
  const run = () => grad(() => sum(fovea.avgPool2d(x, { kernelSize: 4, stride: 1, padding: 2 })), x).data();
  expect(await run()).toEqual(await run());
});

describe('empty inputs and errors', () => {
  test('no examples', async () => {
    const y = fovea.maxPool2d(gpu.empty([0, 3, 4, 4]), { kernelSize: 2 });
    expect(y.shape).toEqual([0, 3, 2, 2]);
    expect(await y.data()).toHaveLength(0);
  });

  test.each([
    [
      () => fovea.maxPool2d(gpu.zeros([4, 4]), { kernelSize: 2 }),
      'maxPool2d: x must be [N, C, H, W] or [C, H, W], got f32[4, 4]',
    ],
    [
      () => fovea.maxPool1d(gpu.zeros([4, 4], 'i32'), { kernelSize: 2 }),
      'maxPool1d: x must be f32 or f16, got i32[4, 4]',
    ],
    [
      () => fovea.avgPool2d(gpu.zeros([1, 1, 2, 5]), { kernelSize: 3 }),
      'avgPool2d: a window of 3 is larger than the padded input of 2 (x: f32[1, 1, 2, 5], kernelSize [3,3])',
    ],
    [
      () => fovea.maxPool2d(gpu.zeros([1, 1, 5, 5]), { kernelSize: [2, 0] }),
      'maxPool2d: kernelSize must be a whole number of at least 1, or 2 of them, got [2,0]',
    ],
    [
      () => fovea.maxPool2d(gpu.zeros([1, 1, 5, 5]), { kernelSize: 2, stride: 0 }),
      'stride must be a whole number of at least 1',
    ],
    [
      () => fovea.maxPool2d(gpu.zeros([1, 1, 5, 5]), { kernelSize: 2, padding: -1 }),
      'padding must be a whole number of at least 0',
    ],
    [
      () => fovea.maxPool2d(gpu.zeros([1, 1, 5, 5]), { kernelSize: 2, padding: 'same' as never }),
      "padding must be numbers, 'same-upper', 'same-lower' or 'valid', got 'same'",
    ],
    [
      () => fovea.maxPool2d(gpu.zeros([1, 1, 5, 5]), { kernelSize: 2, layout: 'chwn' as never }),
      "layout must be 'nchw' or 'nhwc', got 'chwn'",
    ],
    [
      () => fovea.avgPool1d(gpu.zeros([1, 5]), { kernelSize: 2, divisorOverride: 0 }),
      'avgPool1d: divisorOverride must be a finite number but 0, got 0',
    ],
    [
      () => fovea.lpPool1d(gpu.zeros([1, 5]), { kernelSize: 2, p: -1 }),
      'lpPool1d: p must be a finite number > 0, got -1',
    ],
    [
      () => fovea.adaptiveAvgPool1d(gpu.zeros([1, 5]), 0),
      'adaptiveAvgPool1d: outputSize must be a whole number of at least 1',
    ],
    [
      () => fovea.adaptiveMaxPool1d(gpu.zeros([1, 0]), 2),
      'adaptiveMaxPool1d: x must have elements to pool over, got f32[1, 0]',
    ],
    [
      () => fovea.maxUnpool1d(gpu.zeros([1, 2]), gpu.zeros([1, 3], 'i32'), { kernelSize: 2 }),
      'maxUnpool1d: indices must have shape [1, 2], got i32[1, 3]',
    ],
  ])('%#', (f, message) => {
    expect(f).toThrow(message);
  });
});
