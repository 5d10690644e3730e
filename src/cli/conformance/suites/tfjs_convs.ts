// TensorFlow.js's convolutions: kernels as [taps..., in, out], channels last unless told otherwise, arguments by position, those of `fused` by name.
import { broadcastTo, type ConvOptions, conv2d, type Padding, permute, reshape, type Tensor } from '../../../index.ts';
import { type Args, type Operators, Unsupported } from '../args.ts';
import { allOf, CONV, leaving, spread, TRANSPOSED } from './convs.ts';
import { fused } from './tfjs_elementwise.ts';

type Key = string | number;
interface Keys {
  readonly strides: Key;
  readonly pad: Key;
  readonly format: Key;
  readonly dilations: Key;
}

/** 'same' is the upper one; pairs are given for batch and channels as well. */
function paddingOf(x: Args, key: Key, first: boolean): Padding {
  const pad = x.raw(key);
  if (pad === 'same') return 'same-upper';
  if (typeof pad === 'string' || typeof pad === 'number') return pad as Padding;
  const pairs = pad as [number, number][];
  return first ? pairs.slice(2) : pairs.slice(1, -1);
}

function options(x: Args, dims: number, keys: Keys): ConvOptions & { readonly layout: 'nchw' | 'nhwc' } {
  const first = x.str(keys.format, 'NHWC').startsWith('NC');
  const pad = paddingOf(x, keys.pad, first);
  // One dimension is padded by the H of pairs for two.
  const padding = dims === 1 && Array.isArray(pad) ? pad.slice(0, 1) : pad;
  return {
    stride: spread(x.ints(keys.strides), dims),
    dilation: spread(x.ints(keys.dilations), dims),
    padding,
    layout: first ? 'nchw' : 'nhwc',
  };
}

const taps = (filter: Tensor) => filter.shape.slice(0, -2).map((_, i) => i);
/** [taps..., in, out] as [out, in, taps...]. */
const oihw = (filter: Tensor) => permute(filter, [filter.rank - 1, filter.rank - 2, ...taps(filter)]);
/** [taps..., C, multiplier] as [C multiplier, 1, taps...]. */
function depthwiseWeight(filter: Tensor): Tensor {
  const [C, multiplier] = filter.shape.slice(-2) as [number, number];
  const turned = permute(filter, [filter.rank - 2, filter.rank - 1, ...taps(filter)]);
  return reshape(turned, [C * multiplier, 1, ...filter.shape.slice(0, -2)]);
}

const PLAIN = { strides: 2, pad: 3, format: 4, dilations: 5 };
const SEPARABLE = { strides: 3, pad: 4, dilations: 5, format: 6 };
const FUSED = { strides: 'strides', pad: 'pad', format: 'dataFormat', dilations: 'dilations' };

const conv = (x: Args, dims: 1 | 2 | 3): Tensor =>
  (CONV[dims - 1] as typeof conv2d)(x.t(0), oihw(x.t(1)), options(x, dims, PLAIN));

function depthwise(data: Tensor, filter: Tensor, options: ConvOptions): Tensor {
  return conv2d(data, depthwiseWeight(filter), { ...options, groups: filter.shape[2] as number });
}

function separable(x: Args): Tensor {
  const windows = options(x, 2, SEPARABLE);
  return conv2d(depthwise(x.t(0), x.t(1), windows), oihw(x.t(2)), { layout: windows.layout });
}

/** The gradient of a convolution whose input has the shape given: kernels are [taps..., out, in]. */
function transposed(x: Args, dims: 2 | 3): Tensor {
  const [data, filter] = [x.t(0), x.t(1)];
  const wanted = (x.ints(2) as number[]).slice(-dims - 1, -1);
  const stride = spread(x.ints(3), dims);
  const pad = paddingOf(x, 4, false);
  if (x.has(5)) throw new Unsupported('dimRoundingMode');
  const sizes = data.shape.slice(-dims - 1, -1);
  const ends = wanted.map((size, i) => {
    const [n, k, s] = [sizes[i], filter.shape[i], stride[i]] as [number, number, number];
    if (pad === 'same-upper' && Math.ceil(size / s) !== n)
      throw new Unsupported('an output whose convolution has another shape than the input');
    const same = Math.max(0, (Math.ceil(size / s) - 1) * s + k - size);
    const pair = Array.isArray(pad) ? (pad[i] as readonly [number, number]) : [typeof pad === 'number' ? pad : 0];
    return leaving(size, pad === 'same-upper' ? Math.floor(same / 2) : (pair[0] as number), n, k, s, 1);
  });
  const f = TRANSPOSED[dims - 1] as (typeof TRANSPOSED)[1];
  return f(data, oihw(filter), { stride, layout: 'nhwc', ...allOf(ends) });
}

/** A fused convolution: a bias of one number is one for all channels, and slopes [C] belong to channels, wherever these are. */
function fusedConv(
  x: Args,
  compute: (data: Tensor, filter: Tensor, options: ConvOptions) => Tensor,
  channelsOf: (filter: readonly [number, number, number, number]) => number,
): Tensor {
  const [data, filter] = [x.t('x'), x.t('filter')];
  const windows = options(x, 2, FUSED);
  const channels = windows.layout === 'nchw' ? [1, 1] : [];
  return fused(
    x,
    ({ bias, ...following }) =>
      compute(data, filter, {
        ...windows,
        ...following,
        ...(bias && { bias: forAll(bias, channelsOf(filter.shape as [number, number, number, number])) }),
      }),
    (slopes) => (slopes.rank === 1 ? reshape(slopes, [slopes.size, ...channels]) : slopes),
  );
}
const forAll = (bias: Tensor, channels: number) =>
  bias.size === 1 ? broadcastTo(reshape(bias, [1]), [channels]) : bias;

export const convs: Operators = {
  conv1d: (x) => conv(x, 1),
  conv2d: (x) => conv(x, 2),
  conv3d: (x) => conv(x, 3),
  conv2dTranspose: (x) => transposed(x, 2),
  conv3dTranspose: (x) => transposed(x, 3),
  depthwiseConv2d: (x) => depthwise(x.t(0), x.t(1), options(x, 2, PLAIN)),
  separableConv2d: separable,
  'fused.conv2d': (x) =>
    fusedConv(
      x,
      (data, filter, options) => conv2d(data, oihw(filter), options),
      ([, , , out]) => out,
    ),
  'fused.depthwiseConv2d': (x) => fusedConv(x, depthwise, ([, , C, multiplier]) => C * multiplier),
};
