// TensorFlow.js operators that reduce, move, choose or arrange elements; arguments by position.
import {
  abs,
  argmax,
  argmin,
  concat,
  cumsum,
  expandDims,
  flip,
  gather,
  less,
  logsumexp,
  max,
  mean,
  min,
  oneHot,
  permute,
  prod,
  type Range,
  reshape,
  slice,
  split,
  square,
  squeeze,
  stack,
  sub,
  sum,
  type Tensor,
  tile,
  topk,
  tril,
  triu,
  where,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, type Outputs, Unsupported } from '../args.ts';
import {
  type IndexReduction,
  nonEmpty,
  padded,
  type Reduction,
  reduceL1,
  reduceL2,
  reduceOptions,
} from '../semantics.ts';
import { float, number, withoutNaN } from './tfjs_types.ts';

const reduce =
  (f: Reduction, as: (x: Tensor) => Tensor): Operator =>
  (x) =>
    f(as(x.t(0)), reduceOptions(x.ints(1), x.flag(2)));

/** NaN is passed over here; Fovea finds it. */
const index =
  (f: IndexReduction): Operator =>
  (x) =>
    f(withoutNaN(number(x.t(0))), { axis: x.num(1, 0) });

/** Orders 1, 2 and infinity of a vector; of a matrix the Frobenius norm, and the largest sum of a column (1) or row (infinity). */
function norm(x: Args): Tensor {
  const order = x.raw(1) ?? 'euclidean';
  const data = float(x.t(0));
  const axes = x.ints(2) ?? data.shape.map((_, i) => i);
  const options = { axis: axes, keepDims: x.flag(3) };
  if (order === 'euclidean' || order === 'fro' || (order === 2 && axes.length < 2)) return reduceL2(data, options);
  if (axes.length < 2 && order === 1) return reduceL1(data, options);
  const furthest = { Infinity: max, '-Infinity': min, 1: max }[String(order)];
  if (!furthest || axes.length > 2) throw new Unsupported(`order ${order}`);
  if (axes.length < 2) return furthest(abs(data), options);
  const [across, along] = order === 1 ? axes : axes.toReversed();
  const most = furthest(reduceL1(data, { axis: across as number, keepDims: true }), {
    axis: along as number,
    keepDims: true,
  });
  return options.keepDims ? most : squeeze(most, axes);
}

/** Begin and size; a size of -1, or left out, means all that is left. */
function sliced(x: Args): Tensor {
  const data = x.t(0);
  const [begin = [], size] = [x.ints(1), x.ints(2)];
  return slice(
    data,
    begin.map((b, i) => [b, size?.[i] === undefined || size[i] === -1 ? null : b + (size[i] as number)]),
  );
}

/** Bits of the masks stand for axes whose begin or end is left out, or of which one place is taken. */
function strided(x: Args): Tensor {
  const [begin = [], end = [], strides] = [x.ints(1), x.ints(2), x.ints(3)];
  x.only(6, 0).only(7, 0);
  const [noBegin, noEnd, shrunk] = [x.num(4, 0), x.num(5, 0), x.num(8, 0)];
  const has = (mask: number, axis: number) => ((mask >> axis) & 1) === 1;
  const ranges = begin.map((b, i): Range => {
    if (has(shrunk, i)) return [b, b === -1 ? null : b + 1];
    return [has(noBegin, i) ? null : b, has(noEnd, i) ? null : (end[i] as number), strides?.[i] ?? 1];
  });
  const taken = begin.flatMap((_, i) => (has(shrunk, i) ? [i] : []));
  const part = slice(x.t(0), ranges);
  return taken.length > 0 ? squeeze(part, taken) : part;
}

/** Widths as pairs, or one pair for a vector. */
function widths(x: Args): [number, number][] {
  const flat = [x.raw(1)].flat(2) as number[];
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
}

const pad =
  (mode: (x: Args) => string, value: (x: Args) => number): Operator =>
  (x) =>
    padded(
      x.t(0),
      widths(x).map((w) => w[0]),
      widths(x).map((w) => w[1]),
      mode(x),
      value(x),
    );

const padWith = pad(
  () => 'constant',
  (x) => x.num(2, 0),
);

/** A list, or the form of a method: a.concat(list). */
function joined(x: Args): Tensor {
  if (Array.isArray(x.raw(0))) return concat(x.list(0), { axis: x.num(1, 0) });
  return concat([x.t(0), ...listed(x, 1)], { axis: x.num(2, 0) });
}

function stacked(x: Args): Tensor {
  if (Array.isArray(x.raw(0))) return stack(x.list(0), { axis: x.num(1, 0) });
  return stack([x.t(0), ...listed(x, 1)], { axis: x.num(2, 0) });
}

/** One tensor, or a list of them. */
function listed(x: Args, key: number): Tensor[] {
  return Array.isArray(x.raw(key)) ? x.list(key) : [x.t(key)];
}

function pieces(x: Args): Tensor[] {
  const data = x.t(0);
  const sizes = x.ints(1) ?? [];
  const axis = x.num(2, 0);
  if (sizes.length === 1) return split(data, sizes[0] as number, { axis });
  const left = (data.shape.at(axis) as number) - sizes.reduce((n, s) => n + Math.max(s, 0), 0);
  return split(
    data,
    sizes.map((s) => (s === -1 ? left : s)),
    { axis },
  );
}

function unstacked(x: Args): Tensor[] {
  const data = x.t(0);
  const axis = x.num(1, 0);
  return split(data, data.shape.at(axis) as number, { axis }).map((t) => squeeze(t, axis));
}

function gathered(x: Args): Tensor {
  x.only(3, 0);
  const data = x.t(0);
  const axis = x.num(2, 0);
  return gather(data, x.t(1, 'i32'), { axis });
}

/** Negative indices are out of range, where Fovea counts them from the end. */
function hot(x: Args): Tensor {
  const indices = x.t(0, 'i32');
  const depth = x.num(1);
  return oneHot(where(less(indices, 0), depth, indices), depth, { on: x.num(2, 1), off: x.num(3, 0) });
}

function largest(x: Args): Outputs {
  const data = x.t(0);
  if (!x.flag(2, true)) throw new Unsupported('sorted false, which leaves the order open');
  const { values, indices } = topk(data, x.num(1, 1), { axis: -1 });
  return [values, indices];
}

/** Elements at most `lower` below the diagonal and `upper` above it; negative means all. */
function band(x: Args): Tensor {
  const data = x.t(0);
  const [lower, upper] = [x.num(1), x.num(2)];
  const above = upper < 0 ? data : tril(data, { diagonal: upper });
  return lower < 0 ? above : triu(above, { diagonal: -lower });
}

function moments(x: Args): Outputs {
  const data = float(x.t(0));
  const axes = x.ints(1);
  const keepDims = x.flag(2);
  const centred = square(sub(data, mean(data, reduceOptions(axes, true))));
  return [mean(data, reduceOptions(axes, keepDims)), mean(centred, reduceOptions(axes, keepDims))];
}

export const shapes: Operators = {
  sum: reduce(sum, number),
  mean: reduce(mean, float),
  max: reduce(nonEmpty(max), number),
  min: reduce(nonEmpty(min), number),
  prod: reduce(prod, number),
  logSumExp: reduce(logsumexp, float),
  euclideanNorm: reduce(reduceL2, float),
  norm,
  moments,
  argMax: index(argmax),
  argMin: index(argmin),
  cumsum: (x) => cumsum(x.t(0), { axis: x.num(1, 0), exclusive: x.flag(2), reverse: x.flag(3) }),
  topk: largest,

  reshape: (x) => reshape(x.t(0), x.ints(1) ?? []),
  transpose: (x) => permute(x.t(0), x.ints(1) ?? x.t(0).shape.map((_, i) => x.t(0).rank - 1 - i)),
  expandDims: (x) => expandDims(x.t(0), x.num(1, 0)),
  squeeze: (x) => squeeze(x.t(0), x.ints(1)),
  concat: joined,
  concat1d: joined,
  concat2d: joined,
  concat3d: joined,
  concat4d: joined,
  stack: stacked,
  unstack: unstacked,
  split: pieces,
  slice: sliced,
  slice1d: sliced,
  slice2d: sliced,
  slice3d: sliced,
  slice4d: sliced,
  stridedSlice: strided,
  pad: padWith,
  pad1d: padWith,
  pad2d: padWith,
  pad3d: padWith,
  pad4d: padWith,
  mirrorPad: pad(
    (x) => x.str(2),
    () => 0,
  ),
  tile: (x) => tile(x.t(0), x.ints(1) ?? []),
  reverse: (x) => flip(x.t(0), x.ints(1)),
  reverse1d: (x) => flip(x.t(0)),
  reverse2d: (x) => flip(x.t(0), x.ints(1)),
  reverse3d: (x) => flip(x.t(0), x.ints(1)),
  reverse4d: (x) => flip(x.t(0), x.ints(1)),
  gather: gathered,
  oneHot: hot,
  'linalg.bandPart': band,
};
