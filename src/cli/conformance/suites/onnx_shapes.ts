// ONNX operators that reduce, move, choose or arrange elements.
import {
  argmax,
  argmin,
  cast,
  concat,
  cumsum,
  gather,
  logsumexp,
  max,
  mean,
  min,
  oneHot,
  permute,
  prod,
  reshape,
  slice,
  split,
  squeeze,
  sum,
  type Tensor,
  takeAlong,
  tile,
  topk,
  tril,
  triu,
} from '../../../index.ts';
import type { Args, Operator, Operators, Outputs } from '../args.ts';
import {
  allInputs,
  expandBoth,
  flatten,
  type IndexReduction,
  lastIndex,
  nonEmpty,
  padded,
  type Reduction,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceOptions,
  reduceSumSquare,
  unsqueeze,
} from '../semantics.ts';

/** Axes are an input, before version 13 or 18 an attribute; none mean all, unless `noop_with_empty_axes`. */
const reduce =
  (f: Reduction): Operator =>
  (x) => {
    const axes = x.has(1) ? x.ints(1) : x.ints('axes');
    const keepDims = x.flag('keepdims', true);
    const noop = x.flag('noop_with_empty_axes');
    const data = x.t(0);
    if (axes?.length) return f(data, reduceOptions(axes, keepDims));
    return f(data, reduceOptions(noop ? [] : undefined, keepDims));
  };

/** Without options the axis is 0. */
const index =
  (f: IndexReduction): Operator =>
  (x) => {
    const axis = x.num('axis', 0);
    const keepDims = x.flag('keepdims', true);
    const data = x.t(0);
    return x.flag('select_last_index') ? lastIndex(f, data, axis, keepDims) : f(data, { axis, keepDims });
  };

/** Starts, ends, axes and steps, of which NumPy's meaning is that of `slice`. */
function sliced(x: Args): Tensor {
  const data = x.t(0);
  const [starts = [], ends = [], axes, steps] = [x.ints(1), x.ints(2), x.ints(3), x.ints(4)];
  const ranges: ([number, number, number] | null)[] = data.shape.map(() => null);
  starts.forEach((start, i) => {
    const axis = axes?.[i] ?? i;
    ranges[axis < 0 ? axis + data.rank : axis] = [start, ends[i] as number, steps?.[i] ?? 1];
  });
  return slice(data, ranges);
}

/** Sizes from an input or (before 13) an attribute, or so many parts, of which the last is the smallest. */
function parts(x: Args): Tensor[] {
  const data = x.t(0);
  const axis = x.num('axis', 0);
  const sizes = x.ints(1) ?? x.ints('split');
  if (sizes) return split(data, sizes, { axis });
  const count = x.num('num_outputs', x.wanted.length);
  const size = data.shape.at(axis) as number;
  const chunk = Math.ceil(size / count);
  return split(
    data,
    Array.from({ length: count }, (_, i) => Math.max(0, Math.min(chunk, size - i * chunk))),
    { axis },
  );
}

/** Widths for all axes or for those named, all befores first. */
function pads(x: Args): Tensor {
  const data = x.t(0);
  const widths = x.ints(1) ?? x.ints('pads') ?? [];
  const axes = x.ints(3) ?? data.shape.map((_, i) => i);
  const value = x.has(2) ? x.num(2) : x.num('value', 0);
  const before = data.shape.map(() => 0);
  const after = [...before];
  axes.forEach((a, i) => {
    const axis = a < 0 ? a + data.rank : a;
    before[axis] = widths[i] as number;
    after[axis] = widths[i + axes.length] as number;
  });
  return padded(data, before, after, x.str('mode', 'constant'), value);
}

/** A size of 0 stands for that of the input, unless `allowzero`. */
function reshaped(x: Args): Tensor {
  const data = x.t(0);
  const keep = !x.flag('allowzero');
  return reshape(
    data,
    (x.ints(1) ?? []).map((n, i) => (n === 0 && keep ? (data.shape[i] as number) : n)),
  );
}

/** values[0] everywhere, values[1] where the index says; the result has the values' type. */
function hot(x: Args): Tensor {
  const { dtype } = x.t(2);
  const [off = 0, on = 1] = x.ints(2) ?? [];
  return oneHot(cast(x.t(0), 'i32'), x.num(1), { axis: x.num('axis', -1), on, off, dtype });
}

function largest(x: Args): Outputs {
  const { values, indices } = topk(x.t(0), x.num(1), {
    axis: x.num('axis', -1),
    largest: x.ignore('sorted').flag('largest', true),
  });
  return [values, indices];
}

const triangle: Operator = (x) => (x.flag('upper', true) ? triu : tril)(x.t(0), { diagonal: x.num(1, 0) });

export const shapes: Operators = {
  ReduceSum: reduce(sum),
  ReduceMean: reduce(mean),
  ReduceMax: reduce(nonEmpty(max)),
  ReduceMin: reduce(nonEmpty(min)),
  ReduceProd: reduce(prod),
  ReduceLogSumExp: reduce(logsumexp),
  ReduceL1: reduce(reduceL1),
  ReduceL2: reduce(reduceL2),
  ReduceLogSum: reduce(reduceLogSum),
  ReduceSumSquare: reduce(reduceSumSquare),
  ArgMax: index(argmax),
  ArgMin: index(argmin),
  CumSum: (x) => cumsum(x.t(0), { axis: x.num(1), exclusive: x.flag('exclusive'), reverse: x.flag('reverse') }),
  TopK: largest,

  Reshape: reshaped,
  Flatten: (x) => flatten(x.t(0), x.num('axis', 1)),
  Transpose: (x) => permute(x.t(0), x.ints('perm') ?? x.t(0).shape.map((_, i) => x.t(0).rank - 1 - i)),
  Expand: (x) => expandBoth(x.t(0), x.ints(1) ?? []),
  Tile: (x) => tile(x.t(0), x.ints(1) ?? []),
  Squeeze: (x) => squeeze(x.t(0), x.ints(1) ?? x.ints('axes')),
  Unsqueeze: (x) => unsqueeze(x.t(0), x.ints(1) ?? x.ints('axes') ?? []),
  Concat: (x) => concat(allInputs(x), { axis: x.num('axis', 1) }),
  Split: parts,
  Slice: sliced,
  Pad: pads,
  Trilu: triangle,

  Gather: (x) => gather(x.t(0), x.t(1), { axis: x.num('axis', 0) }),
  GatherElements: (x) => takeAlong(x.t(0), x.t(1), { axis: x.num('axis', 0) }),
  OneHot: hot,
};
