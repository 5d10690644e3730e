import { describe, type Shape } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import {
  each,
  type ImageLayout,
  type Padding,
  type PerDimension,
  slide,
  spatial,
  type Three,
  three,
} from '../windows.ts';

export interface ConvWindows {
  /** Default 1. */
  readonly stride?: PerDimension;
  /** Zeros around x; default 0. */
  readonly padding?: Padding;
  /** Distance of the taps of a kernel; default 1. */
  readonly dilation?: PerDimension;
  /** Groups of channels that are convolved apart; default 1. */
  readonly groups?: number;
  /** Default 'nchw', which stands for [N, C, W] and [N, C, D, H, W] as well. Without the batch: [C, ...] or [..., C]. */
  readonly layout?: ImageLayout;
}

export interface TransposedWindows extends Omit<ConvWindows, 'padding'> {
  /** As many on both sides, or `[before, after]` for each dimension: what the output is cut by; default 0. */
  readonly padding?: PerDimension | readonly (readonly [before: number, after: number])[];
  /** Positions added after the end of each dimension, of which a stride leaves open how many there are; default 0. */
  readonly outputPadding?: PerDimension;
}

/** A convolution of x, [N, G C, D, H, W] in either layout, to y, [N, G K, D', H', W'], by weights [G K, C, taps]. */
export interface Convolution {
  readonly batch: number;
  readonly groups: number;
  /** Channels of a group. */
  readonly channels: { readonly x: number; readonly y: number };
  readonly x: Three;
  readonly y: Three;
  readonly kernel: Three;
  readonly stride: Three;
  readonly dilation: Three;
  readonly before: Three;
  readonly layout: ImageLayout;
  readonly shapes: { readonly x: Shape; readonly y: Shape; readonly weight: Shape };
}

/** The sizes of a call's images and weights that must agree. */
function checkCall(op: string, x: Tensor, weight: Tensor, dims: number, options: ConvWindows) {
  const { layout = 'nchw', groups = 1 } = options;
  const { at, sizes } = spatial(op, x, dims, layout);
  if (weight.rank !== dims + 2)
    throw new ShapeError(op, `weight must have ${dims + 2} dimensions, got ${describe(weight)}`);
  const channels = (layout === 'nchw' ? x.shape[at - 1] : x.shape.at(-1)) as number;
  if (!Number.isInteger(groups) || groups < 1)
    throw new ArgumentError(op, `groups must be a whole number of at least 1, got ${groups}`);
  const [rows, columns] = weight.shape as [number, number];
  if (channels % groups !== 0 || rows % groups !== 0)
    throw new ShapeError(
      op,
      `groups must divide the channels of x and the first size of weight, got ${groups} (x: ${describe(x)}, weight: ${describe(weight)})`,
    );
  const batch = x.rank === dims + 2 ? (x.shape[0] as number) : 1;
  return { layout, groups, sizes, channels, rows, columns, batch, kernel: weight.shape.slice(2) };
}

const misfit = (op: string, x: Tensor, weight: Tensor, wanted: string) =>
  new ShapeError(op, `weight must be ${wanted} for x, got x: ${describe(x)} and weight: ${describe(weight)}`);

/** The shape of images like x, which may lack the batch. */
function like(x: Tensor, dims: number, layout: ImageLayout, channels: number, sizes: readonly number[]): Shape {
  const lead = x.shape.slice(0, x.rank - dims - 1);
  return layout === 'nchw' ? [...lead, channels, ...sizes] : [...lead, ...sizes, channels];
}

/** `conv`'s: x is the input. */
export function convolution(op: string, x: Tensor, weight: Tensor, dims: number, options: ConvWindows): Convolution {
  const call = checkCall(op, x, weight, dims, options);
  const { layout, groups, sizes, channels, rows, columns, batch, kernel } = call;
  if (columns * groups !== channels) throw misfit(op, x, weight, `[out, ${channels / groups}, ...]`);
  if (kernel.includes(0)) throw misfit(op, x, weight, 'at least one tap in each dimension');
  const { outputs, after: _, ...windows } = slide(op, x, sizes, kernel, options);
  return {
    batch,
    groups,
    channels: { x: columns, y: rows / groups },
    x: three(sizes, 1),
    y: three(outputs, 1),
    kernel: three(kernel, 1),
    ...windows,
    layout,
    shapes: { x: x.shape, y: like(x, dims, layout, rows, outputs), weight: weight.shape },
  };
}

/** `convTranspose`'s, which is the convolution whose gradient it is: there x is the output, y here. */
export function transposed(
  op: string,
  x: Tensor,
  weight: Tensor,
  dims: number,
  options: TransposedWindows,
): Convolution {
  const call = checkCall(op, x, weight, dims, options);
  const { layout, groups, sizes, channels, rows, columns, batch, kernel } = call;
  if (rows !== channels) throw misfit(op, x, weight, `[${channels}, out / groups, ...]`);
  if (kernel.includes(0)) throw misfit(op, x, weight, 'at least one tap in each dimension');
  const ones = sizes.map(() => 1);
  const stride = each(op, 'stride', options.stride ?? 1, dims, 1);
  const dilation = each(op, 'dilation', options.dilation ?? 1, dims, 1);
  const extra = each(op, 'outputPadding', options.outputPadding ?? 0, dims, 0);
  // Its padding is that of windows of one element, whatever x.
  const { before, after } = slide(op, x, sizes, ones, { padding: options.padding });
  const [b, a] = [before.slice(3 - dims), after.slice(3 - dims)];
  const outputs = sizes.map((n, i) => {
    const [s, d, k] = [stride[i], dilation[i], kernel[i]] as [number, number, number];
    if ((extra[i] as number) >= Math.max(s, d))
      throw new ArgumentError(
        op,
        `outputPadding must be smaller than stride or dilation, got ${JSON.stringify(options.outputPadding)}`,
      );
    return (n - 1) * s - (b[i] as number) - (a[i] as number) + d * (k - 1) + 1 + (extra[i] as number);
  });
  if (outputs.some((n) => n < 0) || sizes.includes(0))
    throw new ShapeError(
      op,
      `x must leave an output, got [${outputs.join(', ')}] (x: ${describe(x)}, weight: ${describe(weight)})`,
    );
  return {
    batch,
    groups,
    channels: { x: columns, y: rows / groups },
    x: three(outputs, 1),
    y: three(sizes, 1),
    kernel: three(kernel, 1),
    stride: three(stride, 1),
    dilation: three(dilation, 1),
    before,
    layout,
    shapes: { x: like(x, dims, layout, columns * groups, outputs), y: x.shape, weight: weight.shape },
  };
}
