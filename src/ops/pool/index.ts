import { ArgumentError } from '../../runtime/errors.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { div, maximum } from '../binary.ts';
import { checkDType, checkFloat, checkOptions, checkShape } from '../check.ts';
import { full } from '../create.ts';
import { scatterAddAlong } from '../scatter.ts';
import { reshape } from '../shape.ts';
import type { ImageLayout } from '../windows.ts';
import { adaptiveWindows, type Geometry, inverseWindows, type WindowOptions, windowsOf } from './geometry.ts';
import { averageOver, maxOver, normOver } from './pool.ts';

export type { WindowOptions } from './geometry.ts';

export interface MaxPoolOptions extends WindowOptions {
  /** Whether to return where each maximum was found as well; default false. */
  readonly returnIndices?: boolean;
}

export interface AvgPoolOptions extends WindowOptions {
  /** Whether elements in the padding count as zeros in the mean; default true, as in PyTorch. */
  readonly countIncludePad?: boolean;
  /** What each sum is divided by instead of the number of elements. */
  readonly divisorOverride?: number;
}

export interface LpPoolOptions extends WindowOptions {
  /** The norm, > 0. */
  readonly p: number;
}

export interface AdaptiveOptions {
  /** Default 'nchw'. */
  readonly layout?: ImageLayout;
}

/** How many outputs in each dimension, or in all; null for as many as inputs. */
export type OutputSize = number | readonly (number | null)[];

/** Maxima with their places. */
export interface MaxPoolResult {
  readonly output: Tensor;
  /** i32, as the output: the element's index in its plane, d H W + h W + w (-1 in a window that holds none). */
  readonly indices: Tensor;
}

interface MaxPool {
  (x: Tensor, options: MaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, options: MaxPoolOptions): Tensor;
}
interface AdaptiveMaxPool {
  (x: Tensor, outputSize: OutputSize, options: AdaptiveOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, outputSize: OutputSize, options?: AdaptiveOptions): Tensor;
}

function maxima(op: string, x: Tensor, g: Geometry, returnIndices: boolean): Tensor | MaxPoolResult {
  return scope(() => {
    const { y, indices } = maxOver(op, x, g, returnIndices);
    return returnIndices ? { output: y, indices: indices as Tensor } : y;
  });
}

function maxPool(dims: number): MaxPool {
  const op = `maxPool${dims}d`;
  return ((x: Tensor, options: MaxPoolOptions) => {
    checkFloat(op, 'x', x);
    checkOptions(op, options, 'kernelSize');
    return maxima(op, x, windowsOf(op, x, dims, options), options.returnIndices === true);
  }) as MaxPool;
}

function avgPool(dims: number) {
  const op = `avgPool${dims}d`;
  return (x: Tensor, options: AvgPoolOptions): Tensor => {
    checkFloat(op, 'x', x);
    checkOptions(op, options, 'kernelSize');
    const { countIncludePad = true, divisorOverride } = options;
    if (divisorOverride !== undefined && !(Number.isFinite(divisorOverride) && divisorOverride !== 0))
      throw new ArgumentError(op, `divisorOverride must be a finite number but 0, got ${divisorOverride}`);
    const divisor = { countPad: countIncludePad, divisor: divisorOverride ?? 0 };
    return averageOver(op, x, windowsOf(op, x, dims, options), divisor);
  };
}

function lpPool(dims: number) {
  const op = `lpPool${dims}d`;
  return (x: Tensor, options: LpPoolOptions): Tensor => {
    checkFloat(op, 'x', x);
    checkOptions(op, options, 'kernelSize and p');
    if (!(options.p > 0 && Number.isFinite(options.p)))
      throw new ArgumentError(op, `p must be a finite number > 0, got ${options.p}`);
    return normOver(op, x, windowsOf(op, x, dims, options), options.p);
  };
}

function adaptiveAvgPool(dims: number) {
  const op = `adaptiveAvgPool${dims}d`;
  return (x: Tensor, outputSize: OutputSize, { layout = 'nchw' }: AdaptiveOptions = {}): Tensor => {
    checkFloat(op, 'x', x);
    const g = adaptiveWindows(op, x, dims, outputSize, layout);
    return averageOver(op, x, g, { countPad: false, divisor: 0 });
  };
}

function adaptiveMaxPool(dims: number): AdaptiveMaxPool {
  const op = `adaptiveMaxPool${dims}d`;
  return ((x: Tensor, outputSize: OutputSize, options: AdaptiveOptions & { readonly returnIndices?: boolean } = {}) => {
    checkFloat(op, 'x', x);
    const g = adaptiveWindows(op, x, dims, outputSize, options.layout ?? 'nchw');
    return maxima(op, x, g, options.returnIndices === true);
  }) as AdaptiveMaxPool;
}

/**
 * The largest of each window: y_o = max over the window of o. The first of equal ones is chosen and gets the gradient; NaN wins; padding never does.
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param options windows; `returnIndices` for `{ output, indices }`
 * @returns the same with floor((W + padding - dilation (kernelSize - 1) - 1) / stride) + 1 in place of W (`ceilMode`: rounded up)
 * @throws ShapeError for other ranks and for a window larger than the padded input; ArgumentError; DTypeError
 */
export const maxPool1d: MaxPool = /* @__PURE__ */ maxPool(1);
/** `maxPool1d` over H and W of [N, C, H, W]. */
export const maxPool2d: MaxPool = /* @__PURE__ */ maxPool(2);
/** `maxPool1d` over D, H and W of [N, C, D, H, W]. */
export const maxPool3d: MaxPool = /* @__PURE__ */ maxPool(3);

/**
 * The mean of each window: y_o = sum of the window / its number of elements, those in the padding, which are zeros, among them (PyTorch), unless
 * `countIncludePad` is false or `divisorOverride` given. A window that lies past the input altogether gives 0.
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @returns as `maxPool1d`
 * @throws ShapeError for other ranks and for a window larger than the padded input; ArgumentError; DTypeError
 */
export const avgPool1d: (x: Tensor, options: AvgPoolOptions) => Tensor = /* @__PURE__ */ avgPool(1);
/** `avgPool1d` over H and W of [N, C, H, W]. */
export const avgPool2d: (x: Tensor, options: AvgPoolOptions) => Tensor = /* @__PURE__ */ avgPool(2);
/** `avgPool1d` over D, H and W of [N, C, D, H, W]. */
export const avgPool3d: (x: Tensor, options: AvgPoolOptions) => Tensor = /* @__PURE__ */ avgPool(3);

/**
 * The p-norm of each window: y_o = (sum |x|^p)^(1/p). Its gradient is 0 where all of a window is.
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @returns as `maxPool1d`
 * @throws ShapeError for other ranks and for a window larger than the padded input; ArgumentError; DTypeError
 */
export const lpPool1d: (x: Tensor, options: LpPoolOptions) => Tensor = /* @__PURE__ */ lpPool(1);
/** `lpPool1d` over H and W of [N, C, H, W]. */
export const lpPool2d: (x: Tensor, options: LpPoolOptions) => Tensor = /* @__PURE__ */ lpPool(2);
/** `lpPool1d` over D, H and W of [N, C, D, H, W]. */
export const lpPool3d: (x: Tensor, options: LpPoolOptions) => Tensor = /* @__PURE__ */ lpPool(3);

/**
 * The means of as many windows as asked for, whatever the size: window o of n elements is floor(o n / outputs) to ceil((o + 1) n / outputs).
 *
 * @param x          [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param outputSize outputs in place of W
 * @throws ShapeError for other ranks and where there is nothing to pool over; ArgumentError; DTypeError
 */
export const adaptiveAvgPool1d: (x: Tensor, outputSize: OutputSize, options?: AdaptiveOptions) => Tensor =
  /* @__PURE__ */ adaptiveAvgPool(1);
/** `adaptiveAvgPool1d` over H and W of [N, C, H, W]. */
export const adaptiveAvgPool2d: (x: Tensor, outputSize: OutputSize, options?: AdaptiveOptions) => Tensor =
  /* @__PURE__ */ adaptiveAvgPool(2);
/** `adaptiveAvgPool1d` over D, H and W of [N, C, D, H, W]. */
export const adaptiveAvgPool3d: (x: Tensor, outputSize: OutputSize, options?: AdaptiveOptions) => Tensor =
  /* @__PURE__ */ adaptiveAvgPool(3);

/**
 * The maxima of as many windows as asked for; see `adaptiveAvgPool1d` for the windows and `maxPool1d` for ties, NaN and `returnIndices`.
 *
 * @param x          [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param outputSize outputs in place of W
 * @throws ShapeError for other ranks and where there is nothing to pool over; ArgumentError; DTypeError
 */
export const adaptiveMaxPool1d: AdaptiveMaxPool = /* @__PURE__ */ adaptiveMaxPool(1);
/** `adaptiveMaxPool1d` over H and W of [N, C, H, W]. */
export const adaptiveMaxPool2d: AdaptiveMaxPool = /* @__PURE__ */ adaptiveMaxPool(2);
/** `adaptiveMaxPool1d` over D, H and W of [N, C, D, H, W]. */
export const adaptiveMaxPool3d: AdaptiveMaxPool = /* @__PURE__ */ adaptiveMaxPool(3);

export interface MaxUnpoolOptions extends Pick<WindowOptions, 'kernelSize' | 'stride' | 'layout'> {
  /** As many on both sides; default 0. */
  readonly padding?: number | readonly number[];
  /** The sizes of the pooled dimensions; default (size - 1) stride - 2 padding + kernelSize. */
  readonly outputSize?: readonly number[];
}

function maxUnpool(dims: number) {
  const op = `maxUnpool${dims}d`;
  return (x: Tensor, indices: Tensor, options: MaxUnpoolOptions): Tensor => {
    checkFloat(op, 'x', x);
    checkDType(op, 'indices', indices, 'i32');
    checkShape(op, 'indices', indices, x.shape);
    checkOptions(op, options, 'kernelSize');
    const { at, sizes, kernel, stride, before } = inverseWindows(op, x, dims, options);
    const outputs =
      options.outputSize ??
      sizes.map((n, i) => (n - 1) * (stride[i] as number) - 2 * (before[i] as number) + (kernel[i] as number));
    if (outputs.length !== dims || outputs.some((n) => !Number.isInteger(n) || n < 1))
      throw new ArgumentError(
        op,
        `outputSize must be ${dims} whole numbers of at least 1, got [${outputs.join(', ')}]`,
      );
    return scope(() => {
      const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
      const [lead, rest] = [x.shape.slice(0, at), x.shape.slice(at + dims)];
      const [outer, inner] = [product(lead), product(rest)];
      const flat = (t: Tensor) => reshape(t, [outer, product(sizes), inner]);
      const zeros = full(x.gpu, [outer, product(outputs), inner], 0, x.dtype);
      const places = flat(indices);
      const sums = scatterAddAlong(zeros, places, flat(x), { axis: 1 });
      const ones = full(x.gpu, places.shape, 1, x.dtype);
      const counts = scatterAddAlong(zeros, places, ones, { axis: 1 });
      return reshape(div(sums, maximum(counts, 1)), [...lead, ...outputs, ...rest]);
    });
  };
}

/**
 * The inverse of `maxPool1d` as far as there is one: each element goes to the place that its index names, all others are 0. Where several windows chose
 * one element, it gets their mean (which is what each of them holds).
 *
 * @param x       [N, C, W] or [C, W], f32 or f16; with `layout: 'nhwc'` [N, W, C] or [W, C]
 * @param indices i32 of the same shape, as `maxPool1d` returns them: places in the plane of the output
 * @returns the same with `outputSize` in place of W
 * @throws ShapeError, DTypeError, ArgumentError
 */
export const maxUnpool1d: (x: Tensor, indices: Tensor, options: MaxUnpoolOptions) => Tensor =
  /* @__PURE__ */ maxUnpool(1);
/** `maxUnpool1d` over H and W of [N, C, H, W]. */
export const maxUnpool2d: (x: Tensor, indices: Tensor, options: MaxUnpoolOptions) => Tensor =
  /* @__PURE__ */ maxUnpool(2);
/** `maxUnpool1d` over D, H and W of [N, C, D, H, W]. */
export const maxUnpool3d: (x: Tensor, indices: Tensor, options: MaxUnpoolOptions) => Tensor =
  /* @__PURE__ */ maxUnpool(3);
