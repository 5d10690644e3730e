import { describe } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';

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

/** Three numbers for D, H and W; 1 (padding 0) for those there are not. */
export type Three = readonly [number, number, number];

/** Where the dimensions of x that windows lie in are: all but the batch and the channels. */
export function spatial(op: string, x: Tensor, dims: number, layout: ImageLayout): { at: number; sizes: number[] } {
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
export function three(list: readonly number[], fill: number): Three {
  const [w = fill, h = fill, d = fill] = list.toReversed();
  return [d, h, w];
}

/** One number a dimension; throws unless all are whole and at least `least`. */
export function each(op: string, name: string, value: PerDimension, dims: number, least: number): number[] {
  const list = Array.isArray(value) ? value : Array<number>(dims).fill(value as number);
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

export interface Sliding {
  readonly stride?: PerDimension | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: PerDimension | undefined;
  readonly ceilMode?: boolean;
}

/** The windows of `kernel` that slide over dimensions of `sizes`: how many, and what they are for D, H and W. */
export function slide(op: string, x: Tensor, sizes: readonly number[], kernel: readonly number[], options: Sliding) {
  const { ceilMode = false } = options;
  const dims = sizes.length;
  const stride = each(op, 'stride', options.stride ?? 1, dims, 1);
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
        `a window of ${extent(i)} is larger than the padded input of ${n + before + after} (x: ${describe(x)}, kernelSize ${JSON.stringify(kernel)})`,
      );
    const count = (ceilMode ? Math.ceil(room / s) : Math.floor(room / s)) + 1;
    // The last window must begin inside the input or the padding before it (PyTorch's rule).
    return ceilMode && (count - 1) * s >= n + before ? count - 1 : count;
  });
  const padding = (side: 0 | 1) =>
    three(
      pads.map((pair) => pair[side]),
      0,
    );
  return { outputs, stride: three(stride, 1), dilation: three(dilation, 1), before: padding(0), after: padding(1) };
}
