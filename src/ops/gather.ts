import { record } from '../autograd/tape.ts';
import { gather as gatherKernel, gatherVec4, oneHot as oneHotKernel } from '../generated/kernels.ts';
import { type DType, describe, type Shape, sizeOf } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { checkAxis, checkDType, checkNumber, checkTensor } from './check.ts';
import { scatterAlong, scatterRows } from './scatter.ts';
import { slice } from './slice.ts';
import { fourfold, overWords } from './strided.ts';

/**
 * Slices of `x` along an axis by their numbers, as NumPy's `take` and ONNX's Gather: `y[.., j.., ..] = x[.., indices[j..], ..]`.
 *
 * @param x       any shape of rank 1 or more, any dtype
 * @param indices any shape, i32 or u32; negative i32 count from the end; out of range (where nothing is read) gives zeros and no gradient
 * @param axis    default 0
 * @returns `x.shape[:axis] + indices.shape + x.shape[axis + 1:]`. The gradient adds what several indices took from one place in a fixed
 *          order (`scatterAdd`), the same in every run
 */
export function gather(x: Tensor, indices: Tensor, options: { readonly axis?: number } = {}): Tensor {
  return take('gather', x, indices, options.axis ?? 0);
}

/**
 * Rows of a table by their numbers: `gather` along axis 0.
 *
 * @param weight  [V, D], any dtype
 * @param indices any shape, i32 or u32; see `gather` for those out of range
 * @returns `indices.shape + [D]`
 */
export function embedding(weight: Tensor, indices: Tensor): Tensor {
  checkTensor('embedding', 'weight', weight);
  if (weight.rank !== 2) throw new ShapeError('embedding', `weight must have shape [V, D], got ${describe(weight)}`);
  return take('embedding', weight, indices, 0);
}

/** An array as [outer, length, inner] around an axis. */
export interface Around {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

export function around(shape: Shape, axis: number): Around {
  return { outer: sizeOf(shape.slice(0, axis)), length: shape[axis] as number, inner: sizeOf(shape.slice(axis + 1)) };
}

export function checkIndices(op: string, indices: Tensor): void {
  checkDType(op, 'indices', indices, 'i32', 'u32');
}

function take(op: string, x: Tensor, indices: Tensor, at: number): Tensor {
  const axis = checkAxis(op, at, x);
  checkIndices(op, indices);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const strides = { outerStride: 0, axisStride: 1, innerStride: 0 };
  const y = overWords(x, (words) =>
    pick(op, words, indices, shape, { ...around(x.shape, axis), count: indices.size }, strides),
  );
  const { shape: before } = x;
  record({
    op,
    inputs: [x, indices],
    outputs: [y],
    saved: [indices],
    backward: ([dy], [indices]) => [scatterRows(op, dy as Tensor, indices as Tensor, before, axis), null],
    plain: 'composed',
  });
  return y;
}

/**
 * Elements of `x` along an axis, each place with an index of its own, as NumPy's `take_along_axis`, `torch.gather` and ONNX's
 * GatherElements: `y[c] = x[c with indices[c] at axis]`.
 *
 * @param x       rank 1 or more, any dtype
 * @param indices i32 or u32 of the same rank, on other axes at most as large as `x` (then the elements from 0 on are meant; nothing is
 *                broadcast); negative and out of range as in `gather`
 * @param axis    default 0
 * @returns the shape of `indices`
 */
export function takeAlong(x: Tensor, indices: Tensor, options: { readonly axis?: number } = {}): Tensor {
  const axis = checkAxis('takeAlong', options.axis ?? 0, x);
  checkIndices('takeAlong', indices);
  checkAlong('takeAlong', x, indices, axis);
  const part = x.shape.some((n, i) => i !== axis && n !== indices.shape[i]);
  if (!part) return along(x, indices, axis);
  const ranges = indices.shape.map((n, i) => (i === axis ? null : ([0, n] as const)));
  return scope(() => along(slice(x, ranges), indices, axis));
}

/** Throws unless there is a place in `x` for each index, whatever it is. */
export function checkAlong(op: string, x: Tensor, indices: Tensor, axis: number): void {
  if (indices.rank !== x.rank || indices.shape.some((n, i) => i !== axis && n > (x.shape[i] as number))) {
    throw new ShapeError(
      op,
      `indices must have the rank of x and be no larger but on axis ${axis}, got ${describe(indices)} and x ${describe(x)}`,
    );
  }
}

function along(x: Tensor, indices: Tensor, axis: number): Tensor {
  const { shape } = indices;
  const dims = around(x.shape, axis);
  const count = shape[axis] as number;
  const strides = { outerStride: count * dims.inner, axisStride: dims.inner, innerStride: 1 };
  const y = overWords(x, (words) => pick('takeAlong', words, indices, shape, { ...dims, count }, strides));
  const { shape: before } = x;
  record({
    op: 'takeAlong',
    inputs: [x, indices],
    outputs: [y],
    saved: [indices],
    backward: ([dy], [indices]) => [scatterAlong('takeAlong', dy as Tensor, indices as Tensor, before, axis), null],
    plain: 'composed',
  });
  return y;
}

/** How indices are read, by the outer, own and inner place of an element. */
export interface Strides {
  readonly outerStride: number;
  readonly axisStride: number;
  readonly innerStride: number;
}

/** One run of gather.wgsl; not recorded. */
export function pick(
  op: string,
  x: Tensor,
  indices: Tensor,
  shape: Shape,
  { length, inner, count }: Around & { count: number },
  strides: Strides,
): Tensor {
  const y = x.gpu.empty(shape, x.dtype, op);
  const fours = strides.innerStride === 0 && fourfold(inner);
  const unit = fours ? 4 : 1;
  const size = y.size / unit;
  const params = { size, length, count, inner: inner / unit, ...strides };
  dispatch(x.gpu, fours ? gatherVec4 : gatherKernel, { x, indices, y }, params, grid(size, 256), {
    SIGNED: indices.dtype === 'i32',
  });
  return y;
}

export interface OneHotOptions {
  /** Default f32. */
  readonly dtype?: DType;
  /** The value at the index, default 1, and elsewhere, default 0. */
  readonly on?: number;
  readonly off?: number;
  /** Where the new axis stands in the result; default -1. */
  readonly axis?: number;
}

/**
 * `y[.., d, ..] = on` where `indices[..]` is d, else `off`, as ONNX's OneHot. Not differentiable.
 *
 * @param indices any shape of rank up to 7, i32 or u32; negative i32 count from the end; out of range gives `off` alone
 * @param depth   the size of the new axis, a whole number >= 0
 * @returns `indices.shape` with `depth` inserted at `axis`
 */
export function oneHot(indices: Tensor, depth: number, options: OneHotOptions = {}): Tensor {
  const { dtype = 'f32', on = 1, off = 0, axis = -1 } = options;
  checkIndices('oneHot', indices);
  const { rank, gpu } = indices;
  if (!Number.isInteger(depth) || depth < 0)
    throw new ArgumentError('oneHot', `depth must be a whole number >= 0, got ${depth}`);
  if (!Number.isInteger(axis) || axis < -rank - 1 || axis > rank) {
    throw new ArgumentError(
      'oneHot',
      `axis must be in [${-rank - 1}, ${rank}], got ${axis} (indices: ${describe(indices)})`,
    );
  }
  checkNumber('oneHot', on, dtype, 'on');
  checkNumber('oneHot', off, dtype, 'off');
  if (dtype === 'bool') return scope(() => cast(oneHot(indices, depth, { ...options, dtype: 'u32' }), 'bool'));
  const at = axis < 0 ? axis + rank + 1 : axis;
  const y = gpu.empty(indices.shape.toSpliced(at, 0, depth), dtype, 'oneHot');
  const { inner } = around(y.shape, at);
  const params = { size: y.size, depth, inner, on, off, onWhole: on, offWhole: off };
  const constants = { SIGNED: indices.dtype === 'i32', WHOLE: dtype === 'i32' || dtype === 'u32' };
  dispatch(gpu, oneHotKernel, { indices, y }, params, grid(y.size, 256), constants);
  return y;
}
