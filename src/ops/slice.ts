import { type Shape, describe } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';
import { type Placement, readStrided, recordLinear, writeStrided } from './strided.ts';
import { contiguousStrides } from './strides.ts';

/** Part of an axis: `[start, end, step]` by Python's rules; null stands for what is left out, a null in place of the range for the whole axis. */
export type Range = readonly [start?: number | null, end?: number | null, step?: number | null] | null;

/**
 * A part of `x`, as NumPy's `x[start:end:step, ...]`: negative bounds count from the end, bounds beyond the axis are drawn in, a negative
 * step walks backwards (then start defaults to the last element, end to before the first).
 *
 * @param x      any shape and dtype
 * @param ranges one for each axis from the first; axes left out are taken whole
 * @returns a copy; a view where the part lies in one piece from a multiple of 256 bytes on
 * @throws ArgumentError for a step of 0, bounds that are not whole numbers, or more ranges than axes
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  if (ranges.length > x.rank) throw new ArgumentError('slice', `ranges must name at most ${x.rank} axes, got ${ranges.length} (x: ${describe(x)})`);
  const parts = x.shape.map((n, i) => resolve(x, i, n, ranges[i] ?? null));
  return cutOut('slice', x, parts.map((p) => p.count), { shape: x.shape, begin: parts.map((p) => p.begin), step: parts.map((p) => p.step) });
}

interface Part {
  readonly begin: number;
  readonly step: number;
  readonly count: number;
}

function resolve(x: Tensor, axis: number, n: number, range: Range): Part {
  const [start, end, given] = range ?? [];
  const step = given ?? 1;
  const bad = [start ?? 0, end ?? 0, step].some((v) => !Number.isInteger(v)) || step === 0;
  if (bad) throw new ArgumentError('slice', `ranges must hold whole numbers and a step other than 0, got [${range?.join(', ')}] for axis ${axis} (x: ${describe(x)})`);
  const [lo, hi] = step > 0 ? [0, n] : [-1, n - 1];
  const bound = (v: number) => Math.min(Math.max(v < 0 ? v + n : v, lo), hi);
  const begin = start == null ? (step > 0 ? lo : hi) : bound(start);
  const stop = end == null ? (step > 0 ? hi : lo) : bound(end);
  return { begin, step, count: Math.max(0, Math.ceil((stop - begin) / step)) };
}

/** The elements of `x` at `place`, an array of shape `counts`; `place.shape` is that of `x`. */
function cutOut(op: string, x: Tensor, counts: Shape, place: Placement): Tensor {
  const own = contiguousStrides(x.shape);
  const along = (values: readonly number[]) => values.map((v, i) => v * (own[i] as number));
  const offset = along(place.begin).reduce((a, b) => a + b, 0);
  const y = readStrided(op, x, { shape: counts, strides: along(place.step), offset });
  return recordLinear(op, x, y, (dy) => putIn(op, dy, place, 0));
}

/** `value` everywhere but at `place`, where `x` stands. */
function putIn(op: string, x: Tensor, place: Placement, value: number): Tensor {
  const { shape } = x;
  return recordLinear(op, x, writeStrided(op, x, place, value), (dy) => cutOut(op, dy, shape, place));
}
