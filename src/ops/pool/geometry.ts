import { describe, type Shape } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';

/** One number for all dimensions, or one for each. */
export type PerDimension = number | readonly number[];
/**
 * Zeros (for max, nothing) around x: as many on both sides of a dimension, or `[before, after]` for each; `'same-upper'` and `'same-lower'` for
 * ceil(size / stride) outputs, an odd one after or before; `'valid'` for none.
 */
export type Padding =
  | PerDimension
  | readonly (readonly [before: number, after: number])[]
  | 'same-upper'
  | 'same-lower'
  | 'valid';
/** Where the channels are: before the dimensions pooled over (PyTorch), or last. */
export type ImageLayout = 'nchw' | 'nhwc';

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

/** Three numbers for D, H and W; 1 (padding 0) for those there are not. */
export type Three = readonly [number, number, number];

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

/** Where the pooled dimensions of x are. */
function spatial(op: string, x: Tensor, dims: number, layout: ImageLayout): { at: number; sizes: number[] } {
  if (layout !== 'nchw' && layout !== 'nhwc')
    throw new ArgumentError(op, `layout must be 'nchw' or 'nhwc', got '${layout}'`);
  const batch = x.rank === dims + 2 ? 1 : 0;
  if (x.rank !== dims + 2 && x.rank !== dims + 1) {
    const names = ['W', 'H, W', 'D, H, W'][dims - 1];
    const shape = layout === 'nchw' ? `C, ${names}` : `${names}, C`;
    throw new ShapeError(op, `x must be [N, ${shape}] or [${shape}], got ${describe(x)}`);
  }
  const at = batch + (layout === 'nchw' ? 1 : 0);
  return { at, sizes: x.shape.slice(at, at + dims) };
}

/** Up to three numbers for the last of D, H and W, with `fill` for the others. */
function three(list: readonly number[], fill: number): Three {
  const [w = fill, h = fill, d = fill] = list.toReversed();
  return [d, h, w];
}

/** One number a dimension; throws unless all are whole and at least `least`. */
function each(op: string, name: string, value: PerDimension, dims: number, least: number): number[] {
  const list = typeof value === 'number' ? Array<number>(dims).fill(value) : [...value];
  if (list.length !== dims || list.some((n) => !Number.isInteger(n) || n < least))
    throw new ArgumentError(
      op,
      `${name} must be a whole number of at least ${least}, or ${dims} of them, got ${JSON.stringify(value)}`,
    );
  return list;
}

/** The padding of each dimension; `missing` says how much one lacks for `'same-upper'` and `'same-lower'`. */
function paddings(
  op: string,
  padding: Padding,
  dims: number,
  missing: (i: number) => number,
): (readonly [number, number])[] {
  if (padding === 'valid') return Array.from({ length: dims }, () => [0, 0] as const);
  if (padding === 'same-upper' || padding === 'same-lower')
    return Array.from({ length: dims }, (_, i) => {
      const total = Math.max(0, missing(i));
      const less = Math.floor(total / 2);
      return padding === 'same-upper' ? [less, total - less] : [total - less, less];
    });
  if (typeof padding === 'string')
    throw new ArgumentError(op, `padding must be numbers, 'same-upper', 'same-lower' or 'valid', got '${padding}'`);
  if (Array.isArray(padding) && padding.some((p) => Array.isArray(p)))
    return padding.map((p) => {
      const [before = 0, after = 0] = each(op, 'padding of a dimension', p as PerDimension, 2, 0);
      return [before, after];
    });
  return each(op, 'padding', padding as PerDimension, dims, 0).map((n) => [n, n]);
}

/** The windows of a call over the last `dims` dimensions but the channels. */
export function windowsOf(op: string, x: Tensor, dims: number, options: WindowOptions): Geometry {
  const { layout = 'nchw', ceilMode = false } = options;
  const { at, sizes } = spatial(op, x, dims, layout);
  const kernel = each(op, 'kernelSize', options.kernelSize, dims, 1);
  const stride = each(op, 'stride', options.stride ?? options.kernelSize, dims, 1);
  const dilation = each(op, 'dilation', options.dilation ?? 1, dims, 1);
  const extent = (i: number) => (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
  const same = (i: number) => {
    const [n, s] = [sizes[i], stride[i]] as [number, number];
    return (Math.ceil(n / s) - 1) * s + extent(i) - n;
  };
  const pads = paddings(op, options.padding ?? 0, dims, same);
  if (pads.length !== dims)
    throw new ArgumentError(op, `padding must have ${dims} pairs, got ${JSON.stringify(options.padding)}`);
  const outputs = sizes.map((n, i) => {
    const [before, after] = pads[i] as [number, number];
    const [s, room] = [stride[i] as number, n + before + after - extent(i)];
    if (room < 0)
      throw new ShapeError(
        op,
        `a window of ${extent(i)} is larger than the padded input of ${n + before + after} (x: ${describe(x)}, kernelSize ${JSON.stringify(options.kernelSize)})`,
      );
    const count = (ceilMode ? Math.ceil(room / s) : Math.floor(room / s)) + 1;
    // The last window must begin inside the input or the padding before it (PyTorch's rule).
    return ceilMode && (count - 1) * s >= n + before ? count - 1 : count;
  });
  return geometry(x, at, sizes, outputs, {
    kernel: three(kernel, 1),
    stride: three(stride, 1),
    dilation: three(dilation, 1),
    before: three(
      pads.map(([n]) => n),
      0,
    ),
    after: three(
      pads.map(([, n]) => n),
      0,
    ),
    adaptive: false,
  });
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
  const wanted =
    typeof outputSize === 'number' ? sizes.map(() => outputSize) : outputSize.map((n, i) => n ?? (sizes[i] as number));
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
