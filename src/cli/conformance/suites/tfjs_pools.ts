// TensorFlow.js's pooling: channels last, padding that never counts.
import {
  add,
  arange,
  avgPool2d,
  avgPool3d,
  maxPool2d,
  maxPool3d,
  mul,
  type Padding,
  reshape,
  type Tensor,
  type WindowOptions,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, originOf, Unsupported } from '../args.ts';
import { elementsOf } from '../case.ts';

const list = (value: number[] | undefined, dims: number): number[] =>
  value === undefined
    ? Array<number>(dims).fill(1)
    : value.length === 1
      ? Array<number>(dims).fill(value[0] as number)
      : value;

/** 'same' is the upper one; pairs are given for batch and channels as well. */
function paddingOf(x: Args, key: number): Padding {
  const pad = x.raw(key);
  if (pad === 'same') return 'same-upper';
  if (typeof pad === 'string' || typeof pad === 'number') return pad as Padding;
  return (pad as [number, number][]).slice(1, -1);
}

function windows(
  x: Args,
  dims: number,
  at: { kernel: number; stride: number; pad: number; rounding: number; dilation?: number },
): WindowOptions {
  const rounding = x.str(at.rounding, 'floor');
  return {
    kernelSize: list(x.ints(at.kernel), dims),
    stride: list(x.ints(at.stride), dims),
    padding: paddingOf(x, at.pad),
    ...(at.dilation !== undefined && { dilation: list(x.ints(at.dilation), dims) }),
    ceilMode: rounding === 'ceil',
    layout: 'nhwc',
  };
}

const PLAIN = { kernel: 1, stride: 2, pad: 3, rounding: 4 };
const average = (x: Tensor, options: WindowOptions, dims: number): Tensor =>
  (dims === 2 ? avgPool2d : avgPool3d)(x, { ...options, countIncludePad: false });

/** The input of a maximum: TensorFlow.js leaves NaN out, Fovea, as PyTorch, lets it win. */
function numbers(x: Args): Tensor {
  const t = x.t(0);
  const origin = originOf(t);
  if (origin && elementsOf(origin).some(Number.isNaN)) throw new Unsupported('maxima that leave out NaN');
  return t;
}

/** Indices count through [H, W, C], or with the fifth argument through the batch as well. */
function withArgmax(x: Args): Outputs {
  const data = numbers(x);
  const { output, indices } = maxPool2d(data, { ...windows(x, 2, { ...PLAIN, rounding: 5 }), returnIndices: true });
  const [N, H, W, C] = data.shape as [number, number, number, number];
  const channels = reshape(arange(x.gpu, 0, C, 1, 'i32'), [1, 1, 1, C]);
  const inImage = add(mul(indices, C), channels);
  if (!x.flag(4)) return [output, inImage];
  return [output, add(inImage, reshape(arange(x.gpu, 0, N * H * W * C, H * W * C, 'i32'), [N, 1, 1, 1]))];
}

function pool(x: Args): Tensor {
  const kind = x.str(2);
  const options = windows(x, 2, { kernel: 1, pad: 3, dilation: 4, stride: 5, rounding: 6 });
  const ones = [options.kernelSize].flat().every((n) => n === 1);
  if (ones && options.padding !== 0) throw new Unsupported('windows of one, for which padding and stride are ignored');
  if (kind === 'avg') return average(x.t(0), options, 2);
  if (kind !== 'max') throw new Unsupported(`pooling type ${kind}`);
  return maxPool2d(numbers(x), options);
}

function average3d(x: Args): Tensor {
  const options = windows(x, 3, PLAIN);
  const sizes = x.t(0).shape.slice(-4, -1);
  const larger = list(options.kernelSize as number[], 3).some((k, i) => k > (sizes[i] as number));
  if (larger && options.padding === 'valid') throw new Unsupported('a window larger than the input');
  return average(x.t(0), options, 3);
}

export const pools: Operators = {
  avgPool: (x) => average(x.t(0), windows(x, 2, PLAIN), 2),
  avgPool3d: (x) => average3d(x),
  maxPool: (x) => maxPool2d(numbers(x), windows(x, 2, PLAIN)),
  maxPool3d: (x) => maxPool3d(numbers(x), windows(x, 3, PLAIN)),
  maxPoolWithArgmax: withArgmax,
  pool,
};
