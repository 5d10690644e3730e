import { describe, expect, test } from 'vitest';
import * as fovea from '../../../src/index.ts';
import type { ConvOptions, ConvTransposeOptions } from '../../../src/ops/conv/index.ts';
import type { Plan } from '../../../src/ops/linalg/plan.ts';
import { LimitError } from '../../../src/runtime/errors.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../../src/testing/check.ts';
import { type ConvReference, convolve } from '../../helpers/conv.ts';
import { gpu } from '../../helpers/gpu.ts';
import { checkSecondOrder } from '../../helpers/second_order.ts';
import { erf } from '../../helpers/special.ts';

type Dims = 1 | 2 | 3;
const CONVS = { 1: fovea.conv1d, 2: fovea.conv2d, 3: fovea.conv3d };
const TRANSPOSED = { 1: fovea.convTranspose1d, 2: fovea.convTranspose2d, 3: fovea.convTranspose3d };

const spread = (value: unknown, dims: number, fill: number): number[] =>
  value === undefined
    ? Array(dims).fill(fill)
    : typeof value === 'number'
      ? Array(dims).fill(value)
      : (value as number[]);

const pairs = (padding: unknown, dims: number): [number, number][] =>
  spread(padding, dims, 0).map((p) => (typeof p === 'number' ? [p, p] : (p as unknown as [number, number])));

function geometry(
  sizes: readonly number[],
  kernel: readonly number[],
  options: ConvOptions & ConvTransposeOptions,
  transposed: boolean,
): ConvReference {
  const dims = sizes.length;
  const [stride, dilation] = [spread(options.stride, dims, 1), spread(options.dilation, dims, 1)];
  const padding = pairs(options.padding, dims);
  const extra = spread(options.outputPadding, dims, 0);
  const outputs = sizes.map((n, i) => {
    const [s, reach, pad] = [stride[i]!, dilation[i]! * (kernel[i]! - 1) + 1, padding[i]![0] + padding[i]![1]];
    return transposed ? (n - 1) * s + reach - pad + extra[i]! : Math.floor((n + pad - reach) / s) + 1;
  });
  return { stride, dilation, before: padding.map(([b]) => b), groups: options.groups ?? 1, outputs, transposed };
}

/** [N, ..., C] and back. */
const toLast = (t: Tensor) => fovea.permute(t, [0, ...t.shape.map((_, i) => i).slice(2), 1]);
const toFirst = (t: Tensor) => fovea.permute(t, [0, t.rank - 1, ...t.shape.map((_, i) => i).slice(1, -1)]);

interface Case {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly options?: ConvOptions & ConvTransposeOptions;
  readonly bias?: boolean;
  readonly transposed?: boolean;
  readonly f?: (v: number) => number;
  readonly dtype?: 'f32' | 'f16';
  readonly gradient?: boolean;
}

async function check({
  x,
  weight,
  options = {},
  bias = true,
  transposed = false,
  f,
  dtype = 'f32',
  gradient = true,
}: Case): Promise<void> {
  const dims = (x.length - 2) as Dims;
  const r = { ...geometry(x.slice(2), weight.slice(2), options, transposed), ...(f && { f }) };
  const out = transposed ? weight[1]! * r.groups : weight[0]!;
  const op = (x: Tensor, w: Tensor, b?: Tensor) => {
    const all = { ...options, bias: b ?? null };
    const f = transposed ? TRANSPOSED[dims] : CONVS[dims];
    return options.layout === 'nhwc' ? toFirst(f(toLast(x), w, all as never)) : f(x, w, all as never);
  };
  const inputs: Input[] = [x, weight, ...(bias ? [[out]] : [])].map((shape) => ({ shape, dtype }));
  const reference = (x: Nd, w: Nd, b?: Nd) => convolve(x, w, b, r);
  await checkOp(gpu, op as never, reference as never, inputs, { gradient });
}

const CASES: readonly Case[] = [
  { x: [2, 3, 7], weight: [4, 3, 3] },
  { x: [1, 2, 9], weight: [3, 2, 4], options: { stride: 3, padding: 2 }, bias: false },
  { x: [1, 5, 8], weight: [2, 5, 3], options: { dilation: 3, padding: 3 } },
  { x: [2, 3, 5, 6], weight: [4, 3, 3, 3], options: { padding: 1 } },
  { x: [1, 4, 7, 5], weight: [5, 4, 3, 2], options: { stride: [2, 1], padding: [1, 0] } },
  { x: [1, 2, 9, 8], weight: [3, 2, 3, 3], options: { stride: 2, padding: 2, dilation: 2 } },
  { x: [1, 2, 8, 9], weight: [3, 2, 3, 3], options: { stride: [1, 3], padding: [2, 1], dilation: [2, 1] } },
  { x: [1, 6, 5, 5], weight: [4, 3, 3, 3], options: { groups: 2, padding: 1, stride: 2 } },
  { x: [2, 4, 5, 5], weight: [4, 1, 3, 3], options: { groups: 4, padding: 1 } },
  {
    x: [1, 2, 5, 6],
    weight: [2, 2, 3, 3],
    options: {
      stride: 2,
      padding: [
        [0, 2],
        [1, 0],
      ],
    },
  },
  { x: [2, 5, 4, 3], weight: [3, 5, 1, 1] },
  { x: [2, 4, 4, 3], weight: [6, 2, 1, 1], options: { groups: 2 } },
  { x: [2, 4, 5, 3], weight: [3, 4, 1, 1], options: { stride: 2 } },
  { x: [2, 3, 4, 4], weight: [5, 3, 4, 4] },
  { x: [1, 3, 6, 6], weight: [1, 3, 3, 3], options: { padding: 1 } },
  { x: [1, 1, 5, 5], weight: [1, 1, 2, 2], options: { stride: 4 } },
  { x: [2, 5, 7, 6], weight: [5, 1, 3, 2], options: { groups: 5, stride: [2, 1], padding: [1, 2] } },
  { x: [1, 6, 9], weight: [6, 1, 3], options: { groups: 6, dilation: 2, padding: 1 } },
  { x: [1, 2, 8, 8], weight: [2, 1, 3, 3], options: { groups: 2, stride: 2, dilation: 2, padding: 1 }, bias: false },
  { x: [1, 3, 3, 4, 5], weight: [3, 1, 2, 3, 2], options: { groups: 3, padding: 1 } },
  { x: [1, 2, 4, 5, 6], weight: [3, 2, 2, 2, 3], options: { stride: [1, 2, 3], padding: [0, 1, 1] } },
];

describe.each(['nchw', 'nhwc'] as const)('%s', (layout) => {
  test.each(CASES)('conv %j', (c) => check({ ...c, options: { ...c.options, layout } }));
});

const TRANSPOSED_CASES: readonly Case[] = [
  { x: [2, 3, 5], weight: [3, 4, 3] },
  { x: [1, 2, 4], weight: [2, 3, 4], options: { stride: 3, padding: 2, outputPadding: 1 }, bias: false },
  { x: [1, 4, 3, 4], weight: [4, 3, 4, 4], options: { stride: 2, padding: 1 } },
  { x: [2, 2, 4, 3], weight: [2, 3, 3, 3], options: { stride: 2, padding: 1, outputPadding: 1 } },
  { x: [1, 2, 4, 3], weight: [2, 3, 3, 2], options: { stride: [2, 3], dilation: 2, padding: [1, 0] } },
  { x: [1, 4, 4, 3], weight: [4, 2, 3, 3], options: { stride: 2, groups: 2 } },
  { x: [1, 3, 3, 3], weight: [3, 2, 1, 1], options: { stride: 2 } },
  {
    x: [1, 3, 4, 4],
    weight: [3, 1, 2, 2],
    options: {
      stride: 2,
      padding: [
        [0, 1],
        [1, 2],
      ],
    },
  },
  { x: [1, 5, 4, 3], weight: [5, 1, 4, 3], options: { groups: 5, stride: 2, padding: 1 } },
  { x: [1, 2, 2, 3, 2], weight: [2, 3, 2, 3, 2], options: { stride: [1, 2, 2], padding: [0, 1, 0] } },
];

describe.each(['nchw', 'nhwc'] as const)('%s', (layout) => {
  test.each(TRANSPOSED_CASES)('transposed %j', (c) =>
    check({ ...c, transposed: true, options: { ...c.options, layout } }),
  );
});

const PLANS: readonly Partial<Plan>[] = [
  { variant: 'tiled', x: 8, y: 8, z: 1, blocksM: 1, blocksN: 1, depth: 8 },
  { variant: 'tiled', x: 4, y: 4, z: 1, blocksM: 2, blocksN: 2, depth: 8 },
  { variant: 'registers', quads: false },
  { variant: 'registers', splits: 2 },
  { variant: 'registers', splits: 5 },
];

test.each(PLANS)('each way to compute the products: %j', async (plan) => {
  await check({ x: [2, 5, 5, 6], weight: [6, 5, 3, 3], options: { padding: 1, plan } });
  await check({ x: [1, 5, 3, 4], weight: [5, 3, 4, 4], transposed: true, options: { stride: 2, padding: 1, plan } });
  await check({ x: [2, 4, 7, 5], weight: [4, 2, 3, 3], options: { groups: 2, stride: 2, dilation: 2, plan } });
});

test('more than a tile of everything', async () => {
  await check({ x: [2, 21, 9, 37], weight: [35, 21, 3, 3], options: { padding: 1 }, gradient: false });
});

const tanh = { activation: 'tanh', f: Math.tanh } as const;
const relu = { activation: 'relu', f: (v: number) => Math.max(v, 0) } as const;
const sigmoid = { activation: 'sigmoid', f: (v: number) => 1 / (1 + Math.exp(-v)) } as const;
const gelu = { activation: 'gelu', f: (v: number) => (v * (1 + erf(v * Math.SQRT1_2))) / 2 } as const;
const silu = { activation: 'silu', f: (v: number) => v / (1 + Math.exp(-v)) } as const;

describe.each([relu, tanh, sigmoid, gelu, silu])('followed by $activation', ({ activation, f }) => {
  test('conv', () => check({ x: [1, 2, 4, 5], weight: [3, 2, 3, 3], options: { padding: 1, activation }, f }));
  test('one tap', () => check({ x: [1, 2, 4, 5], weight: [3, 2, 1, 1], options: { activation }, f }));
  test('depthwise', () => check({ x: [1, 3, 4, 5], weight: [3, 1, 3, 3], options: { groups: 3, activation }, f }));
  test('transposed', () =>
    check({ x: [1, 2, 3, 3], weight: [2, 3, 3, 3], transposed: true, options: { stride: 2, activation }, f }));
});

test('f16', async () => {
  if (!gpu.features.has('shader-f16')) {
    expect(() => gpu.empty([1], 'f16')).toThrow(LimitError);
    return;
  }
  const dtype = 'f16';
  await check({ x: [2, 3, 5, 6], weight: [4, 3, 3, 3], options: { padding: 1, stride: 2 }, dtype });
  await check({ x: [2, 3, 5, 6], weight: [3, 1, 3, 3], options: { padding: 1, groups: 3 }, dtype });
  await check({ x: [1, 3, 4, 3], weight: [3, 2, 3, 3], transposed: true, options: { stride: 2 }, dtype });
});

test('images without a batch', async () => {
  const [x, w] = [draw([2, 5, 6], 1), draw([3, 2, 3, 3], 2)];
  const one = fovea.reshape(x, [1, 2, 5, 6]);
  for (const f of [fovea.conv2d, (x: Tensor, w: Tensor) => fovea.convTranspose2d(x, fovea.permute(w, [1, 0, 2, 3]))]) {
    const [y, batched] = [f(x, w), f(one, w)];
    expect([1, ...y.shape]).toEqual(batched.shape);
    expect(await y.data()).toEqual(await batched.data());
  }
});

test('a gradient of the gradient', async () => {
  const w = draw([3, 2, 3, 3], 2);
  const plain = { stride: 2, padding: 1 };
  await checkSecondOrder(gpu, (x) => fovea.conv2d(x, w, plain), [1, 2, 5, 6]);
  await checkSecondOrder(gpu, (x) => fovea.convTranspose2d(x, fovea.permute(w, [1, 0, 2, 3]), plain), [1, 2, 3, 4]);
  const x = draw([1, 2, 5, 6], 3);
  await checkSecondOrder(gpu, (w) => fovea.conv2d(x, w, plain), [3, 2, 3, 3]);
  await checkSecondOrder(gpu, (w) => fovea.conv2d(x, w, { groups: 2 }), [2, 1, 3, 3]);
});

test('the same bits twice', async () => {
  const [x, w, dy] = [draw([2, 9, 13, 11], 1), draw([10, 9, 3, 3], 2), draw([2, 10, 13, 11], 3)];
  const run = async () => {
    const { outputs, grads } = fovea.vjp(() => fovea.conv2d(x, w, { padding: 1 }), [x, w], [dy]);
    return Promise.all([...outputs, ...grads].map((t) => t.data()));
  };
  expect(await run()).toEqual(await run());
});

test('nothing in, or nothing out', async () => {
  const w = draw([3, 2, 3, 3], 1);
  const empty = gpu.zeros([0, 2, 5, 5]);
  const { outputs, grads } = fovea.vjp(() => fovea.conv2d(empty, w), [empty, w], [gpu.zeros([0, 3, 3, 3])]);
  expect(outputs[0]?.shape).toEqual([0, 3, 3, 3]);
  expect(grads[0]?.shape).toEqual([0, 2, 5, 5]);
  expect(await grads[1]?.data()).toEqual(new Float32Array(54));
  // Without channels the bias is all there is.
  const bias = draw([3], 2);
  const y = fovea.conv2d(gpu.zeros([1, 0, 3, 3]), gpu.zeros([3, 0, 2, 2]), { bias });
  const b = await bias.data();
  expect(Array.from(await y.data())).toEqual([0, 1, 2].flatMap((k) => Array(4).fill(b[k])));
});

const draw = (shape: readonly number[], seed: number) => fovea.uniform(gpu, shape, { seed, low: -1, high: 1 });

describe('bad input is refused in one sentence', () => {
  const x = () => gpu.zeros([1, 4, 5, 5]);
  const w = () => gpu.zeros([6, 4, 3, 3]);
  const cases: readonly [() => unknown, string][] = [
    [() => fovea.conv2d(gpu.zeros([5, 5]), w()), 'conv2d: x must be [N, C, H, W] or [C, H, W], got f32[5, 5]'],
    [() => fovea.conv2d(x(), gpu.zeros([6, 4, 3])), 'conv2d: weight must have 4 dimensions, got f32[6, 4, 3]'],
    [
      () => fovea.conv2d(x(), gpu.zeros([6, 3, 3, 3])),
      'conv2d: weight must be [out, 4, ...] for x, got x: f32[1, 4, 5, 5] and weight: f32[6, 3, 3, 3]',
    ],
    [
      () => fovea.conv2d(x(), w(), { groups: 3 }),
      'conv2d: groups must divide the channels of x and the first size of weight, got 3 (x: f32[1, 4, 5, 5], weight: f32[6, 4, 3, 3])',
    ],
    [() => fovea.conv2d(x(), w(), { groups: 0 }), 'conv2d: groups must be a whole number of at least 1, got 0'],
    [
      () => fovea.conv2d(x(), gpu.zeros([6, 4, 0, 3])),
      'conv2d: weight must be at least one tap in each dimension for x, got x: f32[1, 4, 5, 5] and weight: f32[6, 4, 0, 3]',
    ],
    [
      () => fovea.conv2d(x(), w(), { dilation: 4 }),
      'conv2d: a window of 9 is larger than the padded input of 5 (x: f32[1, 4, 5, 5], kernelSize [3,3])',
    ],
    [() => fovea.conv2d(x(), w(), { bias: gpu.zeros([5]) }), 'conv2d: bias must have shape [6], got f32[5]'],
    [
      () => fovea.conv2d(x(), w(), { activation: 'swish' as never }),
      'conv2d: activation must be one of none, relu, tanh, sigmoid, gelu, silu, got swish',
    ],
    [
      () => fovea.conv2d(x(), w(), { stride: 0 }),
      'conv2d: stride must be a whole number of at least 1, or 2 of them, got 0',
    ],
    [
      () => fovea.conv2d(x(), w(), { padding: [1] }),
      'conv2d: padding must be a whole number of at least 0, or 2 of them, got [1]',
    ],
    [() => fovea.conv2d(x(), w(), { layout: 'chwn' as never }), "conv2d: layout must be 'nchw' or 'nhwc', got 'chwn'"],
    [() => fovea.conv2d(gpu.zeros([1, 4, 5, 5], 'i32'), w()), 'conv2d: x must be f32 or f16, got i32[1, 4, 5, 5]'],
    [
      () => fovea.convTranspose2d(x(), gpu.zeros([3, 4, 3, 3])),
      'convTranspose2d: weight must be [4, out / groups, ...] for x, got x: f32[1, 4, 5, 5] and weight: f32[3, 4, 3, 3]',
    ],
    [
      () => fovea.convTranspose2d(x(), gpu.zeros([4, 4, 3, 3]), { stride: 2, outputPadding: 2 }),
      'convTranspose2d: outputPadding must be smaller than stride or dilation, got 2',
    ],
    [
      () => fovea.convTranspose2d(x(), gpu.zeros([4, 4, 3, 3]), { padding: 4 }),
      'convTranspose2d: x must leave an output, got [-1, -1] (x: f32[1, 4, 5, 5], weight: f32[4, 4, 3, 3])',
    ],
  ];
  test.each(cases)('%#: %s', (run, message) => expect(run).toThrow(message));
});
