import type { Tensor } from '../../tensor.ts';
import { add, div, mul } from '../binary.ts';
import { cast } from '../cast.ts';
import { equal, greaterEqual, less, logicalAnd, notEqual } from '../compare.ts';
import { full } from '../create.ts';
import type { CrossEntropySettings } from '../cross_entropy.ts';
import { gather, takeAlong } from '../gather.ts';
import { sum } from '../reduce.ts';
import { expandDims, reshape, squeeze } from '../shape.ts';
import { logSoftmax } from '../softmax.ts';
import { where } from '../where.ts';

/** The definition of `crossEntropy`: -sum_j w_j q_j log(softmax(x)_j), and its mean over the rows that are not ignored. */
export function crossEntropyPlain(x: Tensor, target: Tensor, settings: CrossEntropySettings): Tensor {
  const { axis, probabilities, reduction } = settings;
  const costs = mul(logSoftmax(x, { axis }), -1);
  const { losses, count } = probabilities
    ? ofProbabilities(costs, target, settings)
    : ofIndices(costs, target, settings);
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : div(sum(losses), add(count, cast(equal(count, 0), x.dtype)));
}

/** The weights of the classes, to be broadcast to x. */
export const alongClasses = (weight: Tensor, x: Tensor, axis: number): Tensor =>
  reshape(
    weight,
    x.shape.map((n, i) => (i === axis ? n : 1)),
  );

const weighted = (costs: Tensor, { axis, weight }: CrossEntropySettings): Tensor =>
  weight ? mul(costs, alongClasses(weight, costs, axis)) : costs;

function ofProbabilities(costs: Tensor, target: Tensor, settings: CrossEntropySettings) {
  const { axis, smoothing } = settings;
  const q = add(mul(target, 1 - smoothing), smoothing / (costs.shape[axis] as number));
  const losses = sum(where(equal(q, 0), 0, mul(q, weighted(costs, settings))), { axis });
  return { losses, count: full(costs.gpu, [], losses.size, costs.dtype) };
}

function ofIndices(costs: Tensor, target: Tensor, settings: CrossEntropySettings) {
  const { axis, smoothing, ignored, weight } = settings;
  const classes = costs.shape[axis] as number;
  const kept = notEqual(target, target.dtype === 'u32' ? ignored >>> 0 : ignored);
  const inRange = logicalAnd(greaterEqual(target, 0), less(target, classes));
  const index = where(inRange, target, 0);
  const picked = squeeze(takeAlong(costs, expandDims(index, axis), { axis }), axis);
  // Gathered once: what its use in the loss and in the count give as gradient nearly cancels, so they must meet before they are summed over rows.
  const own = weight ? gather(weight, index) : cast(kept, costs.dtype);
  const sharp = mul(weight ? mul(picked, own) : picked, 1 - smoothing);
  const even = () => mul(sum(weighted(costs, settings), { axis }), smoothing / classes);
  const smooth = smoothing > 0 ? add(sharp, even()) : sharp;
  const losses = where(kept, where(inRange, smooth, Number.NaN), 0);
  return { losses, count: sum(where(kept, own, 0)) };
}
