// Pooling as ONNX, WebNN and torch.nn name it.
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  add,
  arange,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  max,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  mean,
  type Padding,
  reshape,
  sub,
  type Tensor,
  type WindowOptions,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';

export const MAX = [maxPool1d, maxPool2d, maxPool3d] as const;
const AVG = [avgPool1d, avgPool2d, avgPool3d] as const;
const LP = [lpPool1d, lpPool2d, lpPool3d] as const;
const UNPOOL = [maxUnpool1d, maxUnpool2d, maxUnpool3d] as const;

/** The function for as many dimensions as x has beside batch and channels. */
export function forDimensions<F>(list: readonly F[], x: Tensor): F {
  const f = list[x.rank - 3];
  if (!f) throw new Unsupported(`${x.rank - 2} dimensions`);
  return f;
}

/** [begin..., end...] as pairs. */
export const pairs = (pads: readonly number[]): (readonly [number, number])[] =>
  pads.slice(0, pads.length / 2).map((begin, i) => [begin, pads[i + pads.length / 2] as number]);

const NAMED: Readonly<Record<string, Padding>> = { SAME_UPPER: 'same-upper', SAME_LOWER: 'same-lower', VALID: 'valid' };
/** The padding that `auto_pad` says; none where it is not set. */
export const named = (auto: string): Padding | undefined => NAMED[auto];

/** ONNX's windows: strides and dilations of 1 if not given, `auto_pad` or `pads`. */
function onnxWindows(x: Args): WindowOptions {
  const kernelSize = x.ints('kernel_shape') as number[];
  const pads = x.ints('pads');
  const auto = x.str('auto_pad', 'NOTSET');
  return {
    kernelSize,
    stride: x.ints('strides') ?? 1,
    dilation: x.ints('dilations') ?? 1,
    padding: named(auto) ?? (pads ? pairs(pads) : 0),
    ceilMode: x.flag('ceil_mode'),
  };
}

/** ONNX counts indices through the whole tensor: those of a plane, and where the plane begins. */
function planeStarts(x: Tensor, plane: number): Tensor {
  const [N, C] = x.shape as [number, number];
  return reshape(arange(x.gpu, 0, N * C * plane, plane, 'i32'), [N, C, ...x.shape.slice(2).map(() => 1)]);
}
const planeOf = (shape: readonly number[]) => shape.slice(2).reduce((a, b) => a * b, 1);

function onnxMaxPool(x: Args): Outputs {
  x.only('storage_order', 0);
  const data = x.t(0);
  const options = onnxWindows(x);
  const pool = forDimensions(MAX, data);
  if (!x.wanted[1]) return pool(data, options);
  const { output, indices } = pool(data, { ...options, returnIndices: true });
  return [output, add(indices, planeStarts(data, planeOf(data.shape)))];
}

function onnxMaxUnpool(x: Args): Tensor {
  const [data, indices] = [x.t(0), x.t(1)];
  const { kernelSize, stride = 1, padding = 0 } = onnxWindows(x);
  const sizes = x.has(2) ? (x.ints(2) as number[]).slice(2) : undefined;
  const kernel = kernelSize as number[];
  const steps = typeof stride === 'number' ? kernel.map(() => stride) : stride;
  const before = typeof padding === 'number' ? [] : (padding as (readonly [number, number])[]);
  if (before.some(([a, b]) => a !== b)) throw new Unsupported('pads that differ between sides');
  const inferred = kernel.map(
    (k, i) => ((data.shape[i + 2] as number) - 1) * (steps[i] as number) - 2 * (before[i]?.[0] ?? 0) + k,
  );
  // Indices count through a tensor of the inferred sizes, also where others are asked for.
  if (sizes && sizes.join() !== inferred.join()) throw new Unsupported('output_shape other than the inferred one');
  const places = sub(indices, planeStarts(data, planeOf([0, 0, ...inferred])));
  return forDimensions(UNPOOL, data)(data, places, { kernelSize: kernel, stride: steps, outputSize: inferred });
}

const overPlane = (f: typeof mean) => (x: Args) => {
  const data = x.t(0);
  return f(data, { axis: data.shape.slice(2).map((_, i) => i + 2), keepDims: true });
};

export const onnxPools: Operators = {
  MaxPool: onnxMaxPool,
  AveragePool: (x) =>
    forDimensions(AVG, x.t(0))(x.t(0), { ...onnxWindows(x), countIncludePad: x.flag('count_include_pad') }),
  LpPool: (x) => forDimensions(LP, x.t(0))(x.t(0), { ...onnxWindows(x), p: x.num('p', 2) }),
  GlobalAveragePool: overPlane(mean),
  GlobalMaxPool: overPlane(max),
  MaxUnpool: onnxMaxUnpool,
};

/** WebNN's windows: [height, width], [top, bottom, left, right], and sizes of the output in place of a rounding. */
function webnnWindows(x: Args): WindowOptions {
  const input = x.t('input');
  const layout = x.str('layout', 'nchw') as 'nchw' | 'nhwc';
  const sizes = layout === 'nchw' ? input.shape.slice(2) : input.shape.slice(1, 3);
  const kernelSize = x.ints('windowDimensions') ?? sizes;
  const stride = x.ints('strides') ?? [1, 1];
  const dilation = x.ints('dilations') ?? [1, 1];
  const [top = 0, bottom = 0, left = 0, right = 0] = x.ints('padding') ?? [];
  const padding = [
    [top, bottom],
    [left, right],
  ] as const;
  const asked = x.ints('outputSizes');
  const ceil = x.str('roundingType', 'floor') === 'ceil';
  const floors = sizes.map((n, i) => {
    const [before, after] = padding[i] as readonly [number, number];
    const extent = (dilation[i] as number) * ((kernelSize[i] as number) - 1) + 1;
    return Math.floor((n + before + after - extent) / (stride[i] as number)) + 1;
  });
  const ceilMode = asked ? asked.some((n, i) => n !== floors[i]) : ceil;
  return { kernelSize, stride, dilation, padding, layout, ceilMode };
}

export const webnnPools: Operators = {
  maxPool2d: (x) => maxPool2d(x.t('input'), webnnWindows(x)),
  averagePool2d: (x) => avgPool2d(x.t('input'), { ...webnnWindows(x), countIncludePad: false }),
  l2Pool2d: (x) => lpPool2d(x.t('input'), { ...webnnWindows(x), p: 2 }),
};

/** torch.nn's arguments: one number for all dimensions, or a list. */
function torchWindows(x: Args): WindowOptions {
  const given = (key: string) => {
    const list = x.ints(key);
    return list?.length === 1 ? (list[0] as number) : list;
  };
  const [kernelSize, stride, padding, dilation] = ['kernel_size', 'stride', 'padding', 'dilation'].map(given);
  return {
    kernelSize: kernelSize as number,
    ...(stride !== undefined && { stride }),
    ...(padding !== undefined && { padding }),
    ...(dilation !== undefined && { dilation }),
    ceilMode: x.flag('ceil_mode'),
  };
}

function torchAverage(x: Args): Tensor {
  const divisorOverride = x.has('divisor_override') ? x.num('divisor_override') : undefined;
  return forDimensions(AVG, x.t('x'))(x.t('x'), {
    ...torchWindows(x),
    countIncludePad: x.flag('count_include_pad', true),
    ...(divisorOverride !== undefined && { divisorOverride }),
  });
}

function torchMaximum(x: Args): Outputs {
  const options = { ...torchWindows(x), returnIndices: true } as const;
  const { output, indices } = forDimensions(MAX, x.t('x'))(x.t('x'), options);
  return [output, indices];
}

const torchNorm = (x: Args) => forDimensions(LP, x.t('x'))(x.t('x'), { ...torchWindows(x), p: x.num('norm_type') });

/** `kind` says which: the cases' names begin with it. */
function torchAdaptive(x: Args): Outputs {
  const size = x.ints('output_size') as number[];
  const outputs = size.length === 1 ? (size[0] as number) : size;
  if (x.str('kind') === 'avg') return adaptiveAvgPool2d(x.t('x'), outputs);
  const { output, indices } = adaptiveMaxPool2d(x.t('x'), outputs, { returnIndices: true });
  return [output, indices];
}

export const torchPools: Operators = {
  MaxPool1d: torchMaximum,
  MaxPool2d: torchMaximum,
  MaxPool3d: torchMaximum,
  AvgPool1d: torchAverage,
  AvgPool2d: torchAverage,
  AvgPool3d: torchAverage,
  LpPool1d: torchNorm,
  LpPool2d: torchNorm,
  AdaptivePool2d: torchAdaptive,
};
