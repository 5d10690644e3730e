import type { Tensor } from '../../tensor.ts';
import { add, div, maximum, mul } from '../binary.ts';
import { cast } from '../cast.ts';
import { equal, greaterEqual, less, logicalAnd, notEqual } from '../compare.ts';
import type { CrossEntropySettings } from '../cross_entropy.ts';
import { takeAlong } from '../gather.ts';
import { sum } from '../reduce.ts';
import { expandDims, squeeze } from '../shape.ts';
import { logSoftmax } from '../softmax.ts';
import { where } from '../where.ts';

/** The definition of `crossEntropy`: -sum_j q_j log(softmax(x)_j), and its mean over the rows that are not ignored. */
export function crossEntropyPlain(x: Tensor, target: Tensor, settings: CrossEntropySettings): Tensor {
  const { axis, smoothing, probabilities, reduction } = settings;
  const logits = logSoftmax(x, { axis });
  const classes = x.shape[axis] as number;
  if (probabilities) {
    const q = add(mul(target, 1 - smoothing), smoothing / classes);
    const losses = sum(where(equal(q, 0), 0, mul(mul(q, logits), -1)), { axis });
    return reduction === 'none'
      ? losses
      : reduction === 'sum'
        ? sum(losses)
        : div(sum(losses), Math.max(losses.size, 1));
  }
  const counts = notEqual(target, target.dtype === 'u32' ? settings.ignored >>> 0 : settings.ignored);
  const inRange = logicalAnd(greaterEqual(target, 0), less(target, classes));
  const picked = squeeze(takeAlong(logits, expandDims(where(inRange, target, 0), axis), { axis }), axis);
  const sharp = mul(picked, smoothing - 1);
  const smooth = smoothing > 0 ? add(sharp, mul(sum(logits, { axis }), -smoothing / classes)) : sharp;
  const losses = where(counts, where(inRange, smooth, Number.NaN), 0);
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : div(sum(losses), maximum(sum(cast(counts, x.dtype)), 1));
}
