// What several suites define alike and Fovea has no op of its own for, written as its user would.
import {
  abs,
  add,
  broadcastTo,
  cast,
  clamp,
  concat,
  div,
  elu,
  equal,
  exp,
  expandDims,
  flip,
  greater,
  log,
  matmul,
  mean,
  mul,
  neg,
  pad,
  reshape,
  type Shape,
  sigmoid,
  slice,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from '../../index.ts';
import { type Args, Unsupported } from './args.ts';

export interface Reduce {
  readonly axis?: number | readonly number[];
  readonly keepDims?: boolean;
}
export type Reduction = (x: Tensor, options: Reduce) => Tensor;
/** argmax and argmin, over one axis. */
export type IndexReduction = (x: Tensor, options: { readonly axis: number; readonly keepDims?: boolean }) => Tensor;

/** What comes between the steps is kept in f32, as in an op of its own. */
const inF32 =
  (f: Reduction): Reduction =>
  (x, options) =>
    x.dtype === 'f16' ? cast(f(cast(x, 'f32'), options), 'f16') : f(x, options);

export const reduceL1: Reduction = (x, options) => sum(abs(x), options);
export const reduceL2: Reduction = inF32((x, options) => sqrt(sum(square(x), options)));
export const reduceLogSum: Reduction = inF32((x, options) => log(sum(x, options)));
export const reduceSumSquare: Reduction = inF32((x, options) => sum(square(x), options));

/** x where it is positive, else slope * x, slope a tensor. */
export const prelu = (x: Tensor, slope: Tensor): Tensor => where(greater(x, 0), x, mul(x, slope));
/** max(x, 0) + min(alpha (e^(x / alpha) - 1), 0). */
export const celu = (x: Tensor, alpha: number): Tensor => mul(elu(div(x, alpha)), alpha);
export const thresholdedRelu = (x: Tensor, alpha: number): Tensor => where(greater(x, alpha), x, 0);
/** elu with another scale and alpha than those that `selu` has. */
export const scaledElu = (x: Tensor, alpha: number, gamma: number): Tensor => mul(elu(x, { alpha }), gamma);
/** x sigmoid(alpha x). */
export const swish = (x: Tensor, alpha: number): Tensor => mul(x, sigmoid(alpha === 1 ? x : mul(x, alpha)));
export const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(x)));
export const sinh = (x: Tensor): Tensor => mul(sub(exp(x), exp(neg(x))), 0.5);
export const cosh = (x: Tensor): Tensor => mul(add(exp(x), exp(neg(x))), 0.5);
export const squaredDifference = (a: Tensor, b: Tensor): Tensor => square(sub(a, b));

/** alpha a b + beta c. */
export function gemm(
  a: Tensor,
  b: Tensor,
  c: Tensor | null,
  o: { alpha: number; beta: number; transposeA: boolean; transposeB: boolean },
): Tensor {
  const scaled = o.alpha === 1 ? a : mul(a, o.alpha);
  const bias = c && (o.beta === 1 ? c : mul(c, o.beta));
  return matmul(scaled, b, { transposeA: o.transposeA, transposeB: o.transposeB, ...(bias && { bias }) });
}

/** `x` repeated where either shape is larger: NumPy's broadcasting both ways, as ONNX's Expand has it. */
export function expandBoth(x: Tensor, shape: Shape): Tensor {
  const rank = Math.max(x.rank, shape.length);
  const at = (s: Shape, i: number) => s[i - (rank - s.length)] ?? 1;
  return broadcastTo(
    x,
    Array.from({ length: rank }, (_, i) => (at(shape, i) === 1 ? at(x.shape, i) : at(shape, i))),
  );
}

/** x / its norm along an axis; zeros where that is 0. */
export function overNorm(x: Tensor, norm: Tensor): Tensor {
  return div(x, where(equal(norm, 0), 1, norm));
}

/** (x - mean) / (standard deviation + epsilon) over axes. */
export function meanVarianceNorm(x: Tensor, axis: readonly number[], epsilon: number): Tensor {
  const centred = sub(x, mean(x, { axis, keepDims: true }));
  return div(centred, add(sqrt(mean(square(centred), { axis, keepDims: true })), epsilon));
}

/** The index of the last largest (smallest) element instead of the first: that of the array turned round. */
export function lastIndex(f: IndexReduction, x: Tensor, axis: number, keepDims: boolean): Tensor {
  return sub((x.shape.at(axis) as number) - 1, f(flip(x, axis), { axis, keepDims }));
}

/** The axes from `axis` to the last. */
export function axesFrom(x: Tensor, axis: number): number[] {
  const first = axis < 0 ? axis + x.rank : axis;
  return x.shape.flatMap((_, i) => (i >= first ? [i] : []));
}

/** New axes of size 1 at these places of the result. */
export function unsqueeze(x: Tensor, axes: readonly number[]): Tensor {
  const rank = x.rank + axes.length;
  return axes
    .map((a) => (a < 0 ? a + rank : a))
    .sort((a, b) => a - b)
    .reduce((t, a) => expandDims(t, a), x);
}

/** All axes before `axis` as one, and the others as another. */
export function flatten(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.rank : axis;
  const size = (shape: Shape) => shape.reduce((a, b) => a * b, 1);
  return reshape(x, [size(x.shape.slice(0, at)), size(x.shape.slice(at))]);
}

/** `b` with axes of size 1 behind, so that it is aligned with `a` from `axis` on: broadcasting before ONNX 7. */
export function alignAt(a: Tensor, b: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + a.rank : axis;
  return unsqueeze(
    b,
    Array.from({ length: Math.max(0, a.rank - at - b.rank) }, (_, i) => b.rank + i),
  );
}

/** Padding with a constant, or with what lies inside: the elements at the edge ('edge'), mirrored about it ('reflect', 'symmetric'). */
export function padded(
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: string,
  value = 0,
): Tensor {
  const widths = before.map((b, i) => [b, after[i] as number] as const);
  if (mode === 'constant') return pad(x, widths, { value });
  return widths.reduce((t, [b, a], axis) => (b + a === 0 ? t : extend(t, axis, b, a, mode)), x);
}

function extend(x: Tensor, axis: number, before: number, after: number, mode: string): Tensor {
  const n = x.shape[axis] as number;
  const part = (start: number, end: number) => slice(x, [...Array<null>(axis).fill(null), [start, end]]);
  const skip = { reflect: 1, symmetric: 0 }[mode];
  if (mode === 'edge')
    return concat([...Array(before).fill(part(0, 1)), x, ...Array(after).fill(part(n - 1, n))], { axis });
  if (mode === 'wrap' && before <= n && after <= n) return joined([part(n - before, n), x, part(0, after)], axis);
  if (skip === undefined || before + skip > n || after + skip > n)
    throw new Unsupported(`padding mode ${mode} so wide`);
  return joined([flip(part(skip, before + skip), axis), x, flip(part(n - after - skip, n - skip), axis)], axis);
}

const joined = (parts: readonly Tensor[], axis: number): Tensor =>
  concat(
    parts.filter((t) => t.size > 0),
    { axis },
  );

/** x within [min, max], with the ends given on the host. */
export function clip(x: Tensor, min: number | undefined, max: number | undefined): Tensor {
  if (min !== undefined && max !== undefined && min > max) throw new Unsupported('min over max');
  // The ends of a narrower type, and infinities, bind nothing.
  const bound = (v: number | undefined) => (v === undefined || !Number.isFinite(v) ? undefined : v);
  return clamp(x, bound(min), bound(max));
}

/** A reduction that has no value for an empty axis. */
export const nonEmpty =
  (f: Reduction): Reduction =>
  (x, options) => {
    const axes = options.axis === undefined ? x.shape.map((_, i) => i) : [options.axis].flat();
    if (axes.some((a) => x.shape.at(a) === 0)) throw new Unsupported('nothing to choose from');
    return f(x, options);
  };

/** Reads the arguments `axis` (or `axes`) and `keepDims` as the reductions take them; no axes means all. */
export function reduceOptions(axes: readonly number[] | undefined, keepDims: boolean): Reduce {
  return { ...(axes && { axis: axes }), keepDims };
}

/** Integers stand for the truth values of sources that have no bool. */
export const truth = (x: Tensor): Tensor => cast(x, 'bool');

/** Applies an op of any number of operands pair by pair. */
export const fold =
  (f: (a: Tensor, b: Tensor) => Tensor) =>
  (x: Args): Tensor =>
    allInputs(x).reduce(f);

/** The tensors at all positions. */
export const allInputs = (x: Args): Tensor[] => x.positions.map((at) => x.t(at));
