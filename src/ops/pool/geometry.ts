import { describe, type Shape } from '../../host.ts';
import { ShapeError } from '../../runtime/errors.ts';
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

export interface WindowOptions {
  readonly kernelSize: PerDimension;
  /** Default `kernelSize`. */
  readonly stride?: PerDimension;
  /** Default 0. */
  readonly padding?: Padding;
  /** Distance of the elements of a window; default 1. */
  readonly dilation?: PerDimension;
  /** Whether a last window that reaches past the end counts, if it begins inside the input or the padding before it; default false. */
  readonly ceilMode?: boolean;
  /** Default 'nchw', which stands for [N, C, W] and [N, C, D, H, W] as well. Without the batch: [C, ...] or [..., C]. */
  readonly layout?: ImageLayout;
}

/** x as [outer, D, H, W, inner], the output as [outer, D', H', W', inner], and the windows between them. */
export interface Geometry {
  readonly outer: number;
  readonly inner: number;
  readonly x: Three;
  readonly y: Three;
  readonly kernel: Three;
  readonly stride: Three;
  readonly dilation: Three;
  readonly before: Three;
  readonly after: Three;
  readonly adaptive: boolean;
  /** The output's. */
  readonly shape: Shape;
}

/** The windows of a call over the last `dims` dimensions but the channels. */
export function windowsOf(op: string, x: Tensor, dims: number, options: WindowOptions): Geometry {
  const { layout = 'nchw', ceilMode = false } = options;
  const { at, sizes } = spatial(op, x, dims, layout);
  const kernel = each(op, 'kernelSize', options.kernelSize, dims, 1);
  const { outputs, ...windows } = slide(op, x, sizes, kernel, {
    stride: options.stride ?? options.kernelSize,
    padding: options.padding,
    dilation: options.dilation,
    ceilMode,
  });
  return geometry(x, at, sizes, outputs, { kernel: three(kernel, 1), ...windows, adaptive: false });
}

/** The windows that an unpooling undoes: their sizes, and where the pooled dimensions of x are. */
export function inverseWindows(
  op: string,
  x: Tensor,
  dims: number,
  options: Pick<WindowOptions, 'kernelSize' | 'stride' | 'layout'> & { readonly padding?: PerDimension },
) {
  return {
    ...spatial(op, x, dims, options.layout ?? 'nchw'),
    kernel: each(op, 'kernelSize', options.kernelSize, dims, 1),
    stride: each(op, 'stride', options.stride ?? options.kernelSize, dims, 1),
    before: each(op, 'padding', options.padding ?? 0, dims, 0),
  };
}

/** Windows that divide each dimension into so many: window o is floor(o n / count) to ceil((o + 1) n / count). */
export function adaptiveWindows(
  op: string,
  x: Tensor,
  dims: number,
  outputSize: number | readonly (number | null)[],
  layout: ImageLayout,
): Geometry {
  const { at, sizes } = spatial(op, x, dims, layout);
  const wanted = Array.isArray(outputSize)
    ? outputSize.map((n, i) => n ?? (sizes[i] as number))
    : (outputSize as number);
  const outputs = each(op, 'outputSize', wanted, dims, 1);
  if (sizes.some((n) => n === 0)) throw new ShapeError(op, `x must have elements to pool over, got ${describe(x)}`);
  const ones: Three = [1, 1, 1];
  // Taps of the longest window, for what a window takes.
  const kernel = three(
    sizes.map((n, i) => Math.ceil(n / (outputs[i] as number)) + 1),
    1,
  );
  return geometry(x, at, sizes, outputs, {
    kernel,
    stride: ones,
    dilation: ones,
    before: [0, 0, 0],
    after: [0, 0, 0],
    adaptive: true,
  });
}

function geometry(
  x: Tensor,
  at: number,
  sizes: readonly number[],
  outputs: readonly number[],
  windows: Pick<Geometry, 'kernel' | 'stride' | 'dilation' | 'before' | 'after' | 'adaptive'>,
): Geometry {
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  const [lead, rest] = [x.shape.slice(0, at), x.shape.slice(at + sizes.length)];
  return {
    outer: product(lead),
    inner: product(rest),
    x: three(sizes, 1),
    y: three(outputs, 1),
    ...windows,
    shape: [...lead, ...outputs, ...rest],
  };
}
