// Convolution as ONNX and WebNN name it.
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Padding,
  permute,
  type Tensor,
} from '../../../index.ts';
import type { Args, Operators } from '../args.ts';
import { forDimensions, named, pairs } from './pools.ts';

export const CONV = [conv1d, conv2d, conv3d] as const;
export const TRANSPOSED = [convTranspose1d, convTranspose2d, convTranspose3d] as const;

/** One number for each dimension. */
export const spread = (given: readonly number[] | undefined, dims: number): number[] => {
  const list = given ?? [1];
  return list.length === 1 ? Array<number>(dims).fill(list[0] as number) : [...list];
};

/** The padding of a transposed convolution that begins with `before` and leaves `wanted` outputs, along one dimension. */
export function leaving(wanted: number, before: number, n: number, kernel: number, stride: number, dilation: number) {
  const after = (n - 1) * stride + dilation * (kernel - 1) + 1 - before - wanted;
  return { padding: [before, Math.max(0, after)] as const, outputPadding: Math.max(0, -after) };
}

/** The same for all dimensions: options of a transposed convolution. */
export const allOf = (list: readonly ReturnType<typeof leaving>[]) => ({
  padding: list.map(({ padding }) => padding),
  outputPadding: list.map(({ outputPadding }) => outputPadding),
});

function onnxConv(x: Args): Tensor {
  const [data, weight] = [x.t(0), x.t(1)];
  x.ignore('kernel_shape');
  const pads = x.ints('pads');
  const padding: Padding = named(x.str('auto_pad', 'NOTSET')) ?? (pads ? pairs(pads) : 0);
  const options: ConvOptions = {
    bias: x.opt(2),
    stride: x.ints('strides') ?? 1,
    dilation: x.ints('dilations') ?? 1,
    groups: x.num('group', 1),
    padding,
  };
  return forDimensions(CONV, data)(data, weight, options);
}

/** What `output_shape` or `auto_pad` leave of the whole result is cut off both sides, an odd one in front unless it says upper. */
function onnxTransposed(x: Args): Tensor {
  const [data, weight] = [x.t(0), x.t(1)];
  x.ignore('kernel_shape');
  const sizes = data.shape.slice(2);
  const [stride, dilation] = [spread(x.ints('strides'), sizes.length), spread(x.ints('dilations'), sizes.length)];
  const auto = x.str('auto_pad', 'NOTSET');
  const extra = x.ints('output_padding');
  const wanted =
    x.ints('output_shape')?.slice(-sizes.length) ??
    (auto.startsWith('SAME') ? sizes.map((n, i) => n * (stride[i] as number)) : undefined);
  const pads = pairs(x.ints('pads') ?? Array<number>(2 * sizes.length).fill(0));
  const given: ConvTransposeOptions = wanted
    ? allOf(
        wanted.map((size, i) => {
          const [n, s, d, k] = [sizes[i], stride[i], dilation[i], weight.shape[i + 2]] as [
            number,
            number,
            number,
            number,
          ];
          const total = Math.max(0, (n - 1) * s + d * (k - 1) + 1 + (extra?.[i] ?? 0) - size);
          const before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
          return leaving(size, before, n, k, s, d);
        }),
      )
    : { padding: pads, outputPadding: extra ?? 0 };
  const options = { bias: x.opt(2), stride, dilation, groups: x.num('group', 1), ...given };
  return forDimensions(TRANSPOSED, data)(data, weight, options);
}

export const onnxConvs: Operators = { Conv: onnxConv, ConvTranspose: onnxTransposed };

/** A filter by the letters of its layout, as those of `wanted` in order. */
function filterOf(x: Args, layout: string, wanted: string): Tensor {
  return permute(
    x.t('filter'),
    [...wanted].map((letter) => layout.indexOf(letter)),
  );
}

/** What both of WebNN's have: [top, bottom, left, right]. */
function webnnOptions(x: Args) {
  const [top = 0, bottom = 0, left = 0, right = 0] = x.ints('padding') ?? [];
  return {
    bias: x.opt('bias'),
    stride: x.ints('strides') ?? 1,
    dilation: x.ints('dilations') ?? 1,
    groups: x.num('groups', 1),
    layout: x.str('inputLayout', 'nchw') as 'nchw' | 'nhwc',
    padding: [
      [top, bottom],
      [left, right],
    ] as const,
  };
}

function webnnTransposed(x: Args): Tensor {
  const data = x.t('input');
  const options = webnnOptions(x);
  const weight = filterOf(x, x.str('filterLayout', 'iohw'), 'iohw');
  const wanted = x.ints('outputSizes');
  const extra = x.ints('outputPadding') ?? 0;
  if (!wanted) return convTranspose2d(data, weight, { ...options, outputPadding: extra });
  const sizes = options.layout === 'nchw' ? data.shape.slice(2) : data.shape.slice(1, 3);
  const [stride, dilation] = [spread(x.ints('strides'), 2), spread(x.ints('dilations'), 2)];
  const ends = wanted.map((size, i) => {
    const [before, after] = options.padding[i] as readonly [number, number];
    const [n, k, s, d] = [sizes[i], weight.shape[i + 2], stride[i], dilation[i]] as [number, number, number, number];
    const { outputPadding } = leaving(size, before + after, n, k, s, d);
    return { padding: [before, after] as const, outputPadding };
  });
  return convTranspose2d(data, weight, { ...options, ...allOf(ends) });
}

export const webnnConvs: Operators = {
  conv2d: (x) => conv2d(x.t('input'), filterOf(x, x.str('filterLayout', 'oihw'), 'oihw'), webnnOptions(x)),
  convTranspose2d: webnnTransposed,
};
