import { describe, expect, test } from 'vitest';
import * as fovea from '../../../src/index.ts';
import type { ConvOptions, ConvTransposeOptions } from '../../../src/ops/conv/index.ts';
import type { Plan } from '../../../src/ops/linalg/plan.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../../src/testing/check.ts';
import { type ConvReference, convolve } from '../../helpers/conv.ts';
import { gpu } from '../../helpers/gpu.ts';

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
  await check({ x: [2, 9, 6, 7], weight: [10, 9, 3, 3], options: { padding: 1, plan } });
  await check({ x: [1, 5, 4, 5], weight: [5, 6, 4, 4], transposed: true, options: { stride: 2, padding: 1, plan } });
  await check({ x: [2, 4, 9, 5], weight: [4, 2, 3, 3], options: { groups: 2, stride: 2, dilation: 2, plan } });
});

test('more than a tile of everything', async () => {
  await check({ x: [2, 21, 9, 37], weight: [35, 21, 3, 3], options: { padding: 1 }, gradient: false });
});
