// WebNN's operators that reduce, move, choose or arrange elements; arguments by the names the standard gives them.
import {
  add,
  arange,
  argmax,
  argmin,
  concat,
  cumsum,
  flip,
  gather,
  logsumexp,
  max,
  mean,
  min,
  mul,
  permute,
  prod,
  reshape,
  slice,
  split,
  sum,
  type Tensor,
  takeAlong,
  tile,
  tril,
  triu,
} from '../../../index.ts';
import { type Args, type Operator, type Operators, Unsupported } from '../args.ts';
import {
  expandBoth,
  type IndexReduction,
  padded,
  type Reduction,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceOptions,
  reduceSumSquare,
} from '../semantics.ts';

const reduce =
  (f: Reduction): Operator =>
  (x) =>
    f(x.t('input'), reduceOptions(x.ints('axes'), x.flag('keepDimensions')));

const index =
  (f: IndexReduction): Operator =>
  (x) => {
    x.ignore('outputDataType');
    return f(x.t('input'), { axis: x.num('axis'), keepDims: x.flag('keepDimensions') });
  };

function sliced(x: Args): Tensor {
  const [starts = [], sizes = [], strides] = [x.ints('starts'), x.ints('sizes'), x.ints('strides')];
  return slice(
    x.t('input'),
    starts.map((start, i) => [start, start + (sizes[i] as number), strides?.[i] ?? 1]),
  );
}

function pads(x: Args): Tensor {
  const mode = { constant: 'constant', edge: 'edge', reflection: 'reflect', symmetric: 'symmetric' }[
    x.str('mode', 'constant')
  ];
  if (!mode) throw new Unsupported(`mode ${x.str('mode')}`);
  return padded(x.t('input'), x.ints('beginningPadding') ?? [], x.ints('endingPadding') ?? [], mode, x.num('value', 0));
}

/** WebNN draws indices beyond the axis in; here they give zeros. */
function indicesWithin(x: Args, size: number): Tensor {
  if (x.ints('indices')?.some((i) => i < -size || i >= size)) throw new Unsupported('indices out of range');
  return x.t('indices');
}

function gathered(x: Args): Tensor {
  const [data, axis] = [x.t('input'), x.num('axis', 0)];
  return gather(data, indicesWithin(x, data.shape.at(axis) as number), { axis });
}

function gatheredElements(x: Args): Tensor {
  const [data, axis] = [x.t('input'), x.num('axis', 0)];
  return takeAlong(data, indicesWithin(x, data.shape.at(axis) as number), { axis });
}

function triangle(x: Args): Tensor {
  return (x.flag('upper', true) ? triu : tril)(x.t('input'), { diagonal: x.num('diagonal', 0) });
}

/** As many terms as the shape holds: a start, and steps. */
function sequence(x: Args): Tensor {
  const count = (x.ints('shape') ?? []).reduce((a, b) => a * b, 1);
  x.only('type', 'float32');
  return add(mul(arange(x.gpu, count), x.num('step')), x.num('start'));
}

export const shapes: Operators = {
  reduceL1: reduce(reduceL1),
  reduceL2: reduce(reduceL2),
  reduceLogSum: reduce(reduceLogSum),
  reduceLogSumExp: reduce(logsumexp),
  reduceMax: reduce(max),
  reduceMean: reduce(mean),
  reduceMin: reduce(min),
  reduceProduct: reduce(prod),
  reduceSum: reduce(sum),
  reduceSumSquare: reduce(reduceSumSquare),
  argMax: index(argmax),
  argMin: index(argmin),
  cumulativeSum: (x) =>
    cumsum(x.t('input'), {
      axis: x.num('axis'),
      exclusive: x.flag('exclusive'),
      reverse: x.flag('reversed') || x.flag('reverse'),
    }),

  concat: (x) => concat(x.list('inputs'), { axis: x.num('axis') }),
  split: (x) =>
    split(x.t('input'), x.ints('splits')?.length === 1 ? x.num('splits') : (x.ints('splits') ?? []), {
      axis: x.num('axis', 0),
    }),
  slice: sliced,
  pad: pads,
  reshape: (x) => reshape(x.t('input'), x.ints('newShape') ?? []),
  expand: (x) => expandBoth(x.t('input'), x.ints('newShape') ?? []),
  tile: (x) => tile(x.t('input'), x.ints('repetitions') ?? []),
  transpose: (x) =>
    permute(x.t('input'), x.ints('permutation') ?? x.t('input').shape.map((_, i) => x.t('input').rank - 1 - i)),
  reverse: (x) => flip(x.t('input'), x.ints('axes')),
  triangular: triangle,
  gather: gathered,
  gatherElements: gatheredElements,

  // Only in webnn-baseline: an arithmetic sequence as a constant, and `expand` under another name.
  constant: (x) => reshape(sequence(x), x.ints('shape') ?? []),
  broadcast: (x) => expandBoth(x.t('input'), x.ints('newShape') ?? []),
};
