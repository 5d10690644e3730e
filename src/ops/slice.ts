import { padAxis, padAxisBackward } from '../generated/kernels.ts';
import { describe, type Shape } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkNumber, checkTensor } from './check.ts';
import { around } from './gather.ts';
import { reshape } from './shape.ts';
import { overWords, type Placement, readStrided, recordLinear, writeStrided } from './strided.ts';
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
  checkTensor('slice', 'x', x);
  if (ranges.length > x.rank)
    throw new ArgumentError(
      'slice',
      `ranges must name at most ${x.rank} axes, got ${ranges.length} (x: ${describe(x)})`,
    );
  const parts = x.shape.map((n, i) => resolve(x, i, n, ranges[i] ?? null));
  return cutOut(
    'slice',
    x,
    parts.map((p) => p.count),
    { shape: x.shape, begin: parts.map((p) => p.begin), step: parts.map((p) => p.step) },
  );
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
  if (bad)
    throw new ArgumentError(
      'slice',
      `ranges must hold whole numbers and a step other than 0, got [${range?.join(', ')}] for axis ${axis} (x: ${describe(x)})`,
    );
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

export interface PadOptions {
  /** What the new elements are: `value`, the nearest element, the array mirrored at its ends (which do not repeat), or starting over. */
  readonly mode?: 'constant' | 'edge' | 'reflect' | 'wrap';
  /** For mode 'constant'; default 0. For bool 0 or 1. */
  readonly value?: number;
}

/**
 * `x` with elements added before and after along its axes, as NumPy's `pad`. The gradient of an added element goes to the one it repeats.
 *
 * @param x      any shape and dtype
 * @param widths `[before, after]` for each axis from the first, whole numbers >= 0; axes left out stay as they are
 * @returns sizes `before + x.shape + after`
 * @throws ArgumentError for other widths; ShapeError when an empty axis is padded with its own elements
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [before: number, after: number])[],
  options: PadOptions = {},
): Tensor {
  const { mode = 'constant', value = 0 } = options;
  checkTensor('pad', 'x', x);
  if (widths.length > x.rank || widths.some((w) => w.length !== 2 || w.some((n) => !Number.isInteger(n) || n < 0))) {
    throw new ArgumentError(
      'pad',
      `widths must hold [before, after], whole numbers >= 0, for at most ${x.rank} axes, got ${JSON.stringify(widths)} (x: ${describe(x)})`,
    );
  }
  const all = x.shape.map((_, i) => widths[i] ?? ([0, 0] as const));
  if (mode === 'constant') return padConstant(x, all, value);
  if (!Object.hasOwn(MODES, mode))
    throw new ArgumentError('pad', `mode must be constant, edge, reflect or wrap, got ${String(mode)}`);
  const empty = all.findIndex(([before, after], i) => before + after > 0 && x.shape[i] === 0);
  if (empty >= 0)
    throw new ShapeError('pad', `mode ${mode} needs elements to repeat on axis ${empty}, got ${describe(x)}`);
  return scope(() =>
    all.reduce(
      (y, [before, after], axis) => (before + after > 0 ? extend(y, axis, before, after, MODES[mode]) : y),
      reshape(x, x.shape),
    ),
  );
}

const MODES = { edge: 'EDGE', reflect: 'REFLECT', wrap: 'WRAP' } as const;
type Mode = keyof typeof padAxis.ops;

function padConstant(x: Tensor, widths: readonly (readonly [number, number])[], value: number): Tensor {
  checkNumber('pad', value, x.dtype, 'value');
  const shape = x.shape.map((n, i) => (widths[i]?.[0] ?? 0) + n + (widths[i]?.[1] ?? 0));
  return putIn('pad', x, { shape, begin: widths.map(([before]) => before), step: widths.map(() => 1) }, value);
}

/** `x` padded along one axis with its own elements. */
function extend(x: Tensor, axis: number, before: number, after: number, mode: Mode): Tensor {
  const length = x.shape[axis] as number;
  const padded = before + length + after;
  const { inner } = around(x.shape, axis);
  const y = overWords(x, (words) => {
    const y = words.gpu.empty(words.shape.with(axis, padded), words.dtype, 'pad');
    dispatch(words.gpu, padAxis, { x: words, y }, { size: y.size, length, padded, inner, before }, grid(y.size, 256), {
      OP: padAxis.ops[mode],
    });
    return y;
  });
  return recordLinear('pad', x, y, (dy) => fold(dy, axis, before, after, mode));
}

/** The transpose of `extend`: what was added goes back to where it came from. */
function fold(dy: Tensor, axis: number, before: number, after: number, mode: Mode): Tensor {
  const padded = dy.shape[axis] as number;
  const length = padded - before - after;
  const { inner } = around(dy.shape, axis);
  const dx = dy.gpu.empty(dy.shape.with(axis, length), dy.dtype, 'pad');
  dispatch(dy.gpu, padAxisBackward, { dy, dx }, { size: dx.size, length, padded, inner, before }, grid(dx.size, 256), {
    OP: padAxis.ops[mode],
  });
  return recordLinear('pad', dy, dx, (g) => extend(g, axis, before, after, mode));
}
