// What the moving ops are made of: reading an array under any strides, and its inverse for slices. Nothing here is recorded.
import { record } from '../autograd/tape.ts';
import { stridedCopy, stridedCopyVec4, stridedFill, stridedFillVec4, stridedTranspose } from '../generated/kernels.ts';
import { type DType, type Shape, sizeOf, words } from '../host.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { ALIGNMENT } from '../runtime/memory.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { collapse, contiguousStrides, innermostFirst } from './strides.ts';

/** How an array is read: element `coord` is at `offset + sum(coord * strides)`. */
export interface Reading {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset?: number;
}

/** Records a linear op of one input, whose gradient is made of differentiable ops; returns `y`. */
export function recordLinear(op: string, x: Tensor, y: Tensor, transposed: (dy: Tensor) => Tensor): Tensor {
  record({ op, inputs: [x], outputs: [y], backward: ([dy]) => [transposed(dy as Tensor)], plain: 'composed' });
  return y;
}

/** `f` for tensors of elements that kernels can address: bool goes there and back as u32. */
export function overWords(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  if (x.dtype !== 'bool') return f(x);
  return scope(() => cast(f(cast(x, 'u32')), 'bool'));
}

/** Bytes of one element. */
const bytesOf = (dtype: DType): number => words([4], dtype);

/** A view of `x` from an element on, where a buffer may be bound from there, else null. */
export function viewAt(x: Tensor, offset: number, shape: Shape): Tensor | null {
  const byteOffset = x.byteOffset + offset * bytesOf(x.dtype);
  if (byteOffset % ALIGNMENT !== 0) return null;
  return x.reinterpret(x.dtype, shape, byteOffset);
}

/** Whether every number is a multiple of 4. */
export const fourfold = (...values: number[]): boolean => values.every((v) => v % 4 === 0);
const quarter = (values: readonly number[]): number[] => values.map((v) => v / 4);

/** The elements of `x` that `reading` names, row-major, as an array of shape `out`: a view where they already lie so, else one dispatch. */
export function readStrided(op: string, x: Tensor, reading: Reading, out = reading.shape): Tensor {
  const { offset = 0 } = reading;
  if (sizeOf(out) === 0) return x.gpu.empty(out, x.dtype, op);
  const { shape, strides } = collapse(reading.shape, [reading.strides]);
  const steps = strides[0] as number[];
  const inOrder = shape.length === 0 || (shape.length === 1 && steps[0] === 1);
  return (inOrder && viewAt(x, offset, out)) || copy(op, x, out, shape, steps, offset);
}

function copy(
  op: string,
  x: Tensor,
  out: Shape,
  shape: readonly number[],
  steps: readonly number[],
  offset: number,
): Tensor {
  const inner = shape.at(-1) ?? 1;
  const fours = steps.at(-1) === 1 && fourfold(inner, offset, ...steps.slice(0, -1));
  if (!fours && x.dtype !== 'bool') {
    const turned = transposed(op, x, out, shape, steps, offset);
    if (turned) return turned;
  }
  if (!fours && x.dtype === 'bool') return overWords(x, (w) => copy(op, w, out, shape, steps, offset));
  const y = x.gpu.empty(out, x.dtype, op);
  const RANK = Math.max(1, shape.length);
  if (!fours) {
    const params = { size: y.size, offset, shape: innermostFirst(shape, 1), strides: innermostFirst(steps, 0) };
    dispatch(x.gpu, stridedCopy, { x, y }, params, grid(y.size, 1024), { RANK });
    return y;
  }
  const size = y.size / 4;
  const params = {
    size,
    offset: offset / 4,
    shape: innermostFirst([...shape.slice(0, -1), inner / 4], 1),
    strides: innermostFirst([...quarter(steps.slice(0, -1)), 1], 0),
  };
  if (x.dtype === 'bool') {
    using four = x.reinterpret('u32', [words(x.shape, 'bool')]);
    using out = y.reinterpret('u32', [size]);
    dispatch(x.gpu, stridedCopy, { x: four, y: out }, params, grid(size, 1024), { RANK });
  } else {
    dispatch(x.gpu, stridedCopyVec4, { x, y }, params, grid(size, 256), { RANK });
  }
  return y;
}

/** A run of strided_transpose.wgsl, where it can do the copy: another axis than the last is contiguous in `x`, all else a multiple of 4. */
function transposed(
  op: string,
  x: Tensor,
  out: Shape,
  shape: readonly number[],
  steps: readonly number[],
  offset: number,
): Tensor | null {
  const p = steps.indexOf(1);
  const last = shape.length - 1;
  if (p < 0 || p === last) return null;
  if (!fourfold(shape[p] as number, shape[last] as number, offset, ...steps.toSpliced(p, 1))) return null;
  const y = x.gpu.empty(out, x.dtype, op);
  const own = contiguousStrides(shape);
  const tiles = shape.map((n, i) => (i === p || i === last ? n / 4 : n));
  const params = {
    size: y.size / 16,
    offset: offset / 4,
    rowX: (steps[last] as number) / 4,
    rowY: (own[p] as number) / 4,
    shape: innermostFirst(tiles, 1),
    // A step of one tile: four elements along the contiguous axis are one vec4, four rows along the other are four.
    strides: innermostFirst(
      steps.map((s, i) => (i === p ? 1 : i === last ? s : s / 4)),
      0,
    ),
    targets: innermostFirst(
      own.map((s, i) => (i === p ? s : i === last ? 1 : s / 4)),
      0,
    ),
  };
  dispatch(x.gpu, stridedTranspose, { x, y }, params, grid(params.size, 64), { RANK: shape.length });
  return y;
}

/** Where an array goes in a larger one: element j of an axis at `begin + step * j`. */
export interface Placement {
  readonly shape: Shape;
  readonly begin: readonly number[];
  readonly step: readonly number[];
}

/** An array of `place.shape` filled with `value`, but for the elements where `x` is placed. One dispatch. */
export function writeStrided(op: string, x: Tensor, place: Placement, value: number): Tensor {
  if (x.dtype === 'bool') return overWords(x, (w) => writeStrided(op, w, place, value));
  const y = x.gpu.empty(place.shape, x.dtype, op);
  const axes = placedAxes(x.shape, place);
  const last = axes.at(-1);
  const fours = last !== undefined && last.step === 1 && fourfold(last.size, last.begin, last.count);
  const unit = fours ? 4 : 1;
  if (fours) axes.splice(-1, 1, { size: last.size / 4, begin: last.begin / 4, step: 1, count: last.count / 4 });
  const strides = contiguousStrides(axes.map((a) => a.count));
  const offset = axes.reduce((sum, a, i) => sum + (a.step < 0 ? (a.count - 1) * (strides[i] as number) : 0), 0);
  const params = {
    size: y.size / unit,
    offset,
    value,
    whole: value,
    // A negative step is a positive one from the other end, with x read backwards.
    axes: Array.from({ length: 8 }, (_, d) => {
      const a = axes.at(-1 - d) ?? { size: 1, begin: 0, step: 1, count: 1 };
      return [a.size, a.step < 0 ? a.begin + a.step * (a.count - 1) : a.begin, Math.abs(a.step), a.count];
    }).flat(),
    strides: innermostFirst(
      axes.map((a, i) => (a.step < 0 ? -(strides[i] as number) : (strides[i] as number))),
      0,
    ),
  };
  const constants = { RANK: Math.max(1, axes.length), WHOLE: x.dtype === 'i32' || x.dtype === 'u32' };
  dispatch(
    x.gpu,
    fours ? stridedFillVec4 : stridedFill,
    { x, y },
    params,
    grid(params.size, fours ? 256 : 1024),
    constants,
  );
  return y;
}

interface Axis {
  size: number;
  begin: number;
  step: number;
  count: number;
}

/** The axes of a placement, with those merged into the one before that `x` fills whole. */
function placedAxes(counts: Shape, { shape, begin, step }: Placement): Axis[] {
  const axes: Axis[] = [];
  shape.forEach((size, i) => {
    const here = { size, begin: begin[i] as number, step: step[i] as number, count: counts[i] as number };
    const before = axes.at(-1);
    const whole = here.count === size && here.step === 1;
    if (!before || !whole || before.step !== 1) axes.push(here);
    else
      axes.splice(-1, 1, { size: before.size * size, begin: before.begin * size, step: 1, count: before.count * size });
  });
  return axes;
}
