// Keras's pooling, as layers and as functions. A mean leaves the padding out.
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  cast,
  div,
  expandDims,
  max,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  mean,
  mul,
  sum,
  type Tensor,
  type WindowOptions,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, Unsupported } from '../args.ts';
import { forDimensions } from './pools.ts';

const MAX = [maxPool1d, maxPool2d, maxPool3d] as const;
const AVG = [avgPool1d, avgPool2d, avgPool3d] as const;
const ADAPTIVE_MAX = [adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d] as const;
const ADAPTIVE_AVG = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d] as const;

const layoutOf = (x: Args) => (x.str('data_format', 'channels_last') === 'channels_last' ? 'nhwc' : 'nchw');

/** One number for all dimensions, or a list: by name, or in the functions by position. */
function numbers(x: Args, name: string, position: number): number | number[] | undefined {
  const list = x.ints(name) ?? x.ints(position);
  return list?.length === 1 ? (list[0] as number) : list;
}

function windows(x: Args): WindowOptions {
  const [kernelSize, stride] = [numbers(x, 'pool_size', 1), numbers(x, 'strides', 2)];
  const padding = x.str('padding', 'valid');
  if (padding !== 'valid' && padding !== 'same') throw new Unsupported(`padding ${padding}`);
  return {
    kernelSize: kernelSize as number,
    ...(stride !== undefined && { stride }),
    padding: padding === 'same' ? 'same-upper' : 'valid',
    layout: layoutOf(x),
  };
}

const maximum: Operator = (x) => forDimensions(MAX, x.t(0))(x.t(0), windows(x));
const average: Operator = (x) => forDimensions(AVG, x.t(0))(x.t(0), { ...windows(x), countIncludePad: false });

const adaptive =
  (list: typeof ADAPTIVE_AVG | typeof ADAPTIVE_MAX): Operator =>
  (x) =>
    (forDimensions(list, x.t(0)) as typeof adaptiveAvgPool1d)(x.t(0), x.ints('output_size') as number[], {
      layout: layoutOf(x),
    });

/** Where the dimensions are that are pooled over. */
function overDimensions(x: Args): { axis: number[]; keepDims: boolean } {
  const first = layoutOf(x) === 'nhwc' ? 1 : 2;
  return {
    axis: x
      .t(0)
      .shape.slice(2)
      .map((_, i) => i + first),
    keepDims: x.flag('keepdims'),
  };
}

/** Of one dimension also under a mask of the steps that count. */
function globalAverage(x: Args): Tensor {
  const options = overDimensions(x);
  const mask = x.has('mask') ? x.t('mask') : x.opt(1);
  if (!mask) return mean(x.t(0), options);
  const weights = expandDims(cast(mask, 'f32'), layoutOf(x) === 'nhwc' ? 2 : 1);
  return div(sum(mul(x.t(0), weights), options), sum(weights, options));
}

const inDimensions = (name: string, f: Operator): [string, Operator][] =>
  [1, 2, 3].map((dims) => [`${name}${dims}D`, f]);

export const poolLayers: Operators = Object.fromEntries([
  ...inDimensions('MaxPooling', maximum),
  ...inDimensions('AveragePooling', average),
  ...inDimensions('AdaptiveMaxPooling', adaptive(ADAPTIVE_MAX)),
  ...inDimensions('AdaptiveAveragePooling', adaptive(ADAPTIVE_AVG)),
  ...inDimensions('GlobalMaxPooling', (x) => max(x.t(0), overDimensions(x))),
  ...inDimensions('GlobalAveragePooling', globalAverage),
]);

export const poolFunctions: Operators = { max_pool: maximum, average_pool: average };
