// Keras's convolutional layers: kernels as [taps..., in, out], channels last unless told otherwise.
import { type Padding, permute, reshape, type Tensor } from '../../../index.ts';
import type { Args, Operator, Operators } from '../args.ts';
import { allOf, CONV, leaving, spread, TRANSPOSED } from './convs.ts';

const taps = (kernel: Tensor) => kernel.shape.slice(0, -2);
/** [taps..., a, b] as [b, a, taps...]. */
const turned = (kernel: Tensor) =>
  permute(kernel, [kernel.rank - 1, kernel.rank - 2, ...taps(kernel).map((_, i) => i)]);

/** Of layers the strides are an entry of their configuration, of functions an argument by position. */
function windows(x: Args, kernel: Tensor, strides: number | 'strides') {
  const dims = kernel.rank - 2;
  const dilation = spread(x.ints('dilation_rate'), dims);
  const padding = x.str('padding', 'valid');
  // As much as a window reaches, all of it in front: no output sees what comes later.
  const causal: Padding = [[(dilation[0] as number) * ((kernel.shape[0] as number) - 1), 0]];
  return {
    stride: spread(x.ints(strides), dims),
    dilation,
    layout: x.str('data_format', 'channels_last') === 'channels_last' ? ('nhwc' as const) : ('nchw' as const),
    padding: padding === 'same' ? ('same-upper' as const) : padding === 'causal' ? causal : ('valid' as const),
  };
}

/** Of the list, the function for a kernel's dimensions. */
const forKernel = <F>(list: readonly F[], kernel: Tensor) => list[kernel.rank - 3] as F;

function conv(x: Args, kernel: Tensor, strides: number | 'strides', bias: Tensor | null): Tensor {
  const options = { ...windows(x, kernel, strides), bias };
  const [channels, of] = [options.layout === 'nhwc' ? x.t(0).shape.at(-1) : x.t(0).shape[1], kernel.shape.at(-2)];
  const groups = (channels as number) / (of as number);
  return forKernel(CONV, kernel)(x.t(0), turned(kernel), { ...options, groups });
}

/** [taps..., C, multiplier]: each channel by itself. */
function depthwise(x: Args, kernel: Tensor, strides: number | 'strides', bias: Tensor | null): Tensor {
  const [C, multiplier] = kernel.shape.slice(-2) as [number, number];
  const order = [kernel.rank - 2, kernel.rank - 1, ...taps(kernel).map((_, i) => i)];
  const weight = reshape(permute(kernel, order), [C * multiplier, 1, ...taps(kernel)]);
  return forKernel(CONV, kernel)(x.t(0), weight, { ...windows(x, kernel, strides), groups: C, bias });
}

function separable(
  x: Args,
  kernel: Tensor,
  pointwise: Tensor,
  strides: number | 'strides',
  bias: Tensor | null,
): Tensor {
  const { layout } = windows(x, kernel, strides);
  return forKernel(CONV, kernel)(depthwise(x, kernel, strides, null), turned(pointwise), { layout, bias });
}

/** Where Keras's result begins in the whole one, and how long it is, for kernels of `extent`. */
function cut(n: number, extent: number, stride: number, same: boolean, extra: number | undefined) {
  if (!same) {
    const more = extra ?? Math.max(extent, stride) - extent;
    return { before: 0, wanted: (n - 1) * stride + extent + more };
  }
  const room = extra === undefined ? stride + extent - 2 : extent + (extent % 2) - 2 + extra;
  const left = Math.min(Math.ceil(room / 2), extent - 1);
  return { before: extent - 1 - left, wanted: (n - 1) * stride + 2 + room - extent };
}

function transposed(x: Args, kernel: Tensor, strides: number | 'strides', bias: Tensor | null): Tensor {
  const data = x.t(0);
  const { layout, stride, dilation } = windows(x, kernel, strides);
  const same = x.str('padding', 'valid') === 'same';
  const extra = x.ints('output_padding');
  const sizes = layout === 'nhwc' ? data.shape.slice(1, -1) : data.shape.slice(2);
  const ends = sizes.map((n, i) => {
    const [k, s, d] = [kernel.shape[i], stride[i], dilation[i]] as [number, number, number];
    const { before, wanted } = cut(n, (k - 1) * d + 1, s, same, extra?.[i]);
    return leaving(wanted, before, n, k, s, d);
  });
  return forKernel(TRANSPOSED, kernel)(data, turned(kernel), { stride, dilation, layout, bias, ...allOf(ends) });
}

/** A layer's configuration has what its weights have, too. */
const layer =
  (compute: (x: Args) => Tensor): Operator =>
  (x) =>
    compute(x.only('activation', 'linear').ignore('filters', 'kernel_size', 'use_bias', 'depth_multiplier', 'groups'));

const convLayer = layer((x) => conv(x, x.t('kernel'), 'strides', x.opt('bias')));
const transposedLayer = layer((x) => transposed(x, x.t('kernel'), 'strides', x.opt('bias')));
const depthwiseLayer = layer((x) => depthwise(x, x.t('kernel'), 'strides', x.opt('bias')));
const separableLayer = layer((x) =>
  separable(x, x.t('depthwise_kernel'), x.t('pointwise_kernel'), 'strides', x.opt('bias')),
);

export const convLayers: Operators = {
  Conv1D: convLayer,
  Conv2D: convLayer,
  Conv3D: convLayer,
  Conv1DTranspose: transposedLayer,
  Conv2DTranspose: transposedLayer,
  Conv3DTranspose: transposedLayer,
  DepthwiseConv1D: depthwiseLayer,
  DepthwiseConv2D: depthwiseLayer,
  SeparableConv1D: separableLayer,
  SeparableConv2D: separableLayer,
};

export const convFunctions: Operators = {
  conv: (x) => conv(x, x.t(1), x.has('strides') ? 'strides' : 2, null),
  conv_transpose: (x) => transposed(x, x.t(1), 2, null),
  depthwise_conv: (x) => depthwise(x, x.t(1), 2, null),
  separable_conv: (x) => separable(x, x.t(1), x.t(2), 3, null),
};
