import { describe } from '../../host.ts';
import { DTypeError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import { add } from '../binary.ts';
import { where } from '../where.ts';

/** The score of what may not be seen: the most negative f32 that all compilers take. Softmax gives a row of nothing else zeros. */
export const MASKED = -3.4e38;

/**
 * Scores with a mask applied: a bool mask keeps a score where it is true (true means attend), a float mask is added.
 *
 * @param mask broadcastable to the shape of `scores`
 */
export function maskScores(op: string, scores: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return scores;
  const lead = scores.rank - mask.rank;
  if (lead < 0 || mask.shape.some((n, i) => n !== 1 && n !== scores.shape[i + lead])) {
    throw new ShapeError(
      op,
      `mask must be broadcastable to the scores [${scores.shape.join(', ')}], got ${describe(mask)}`,
    );
  }
  if (mask.dtype === 'bool') return where(mask, scores, MASKED);
  if (mask.dtype !== scores.dtype)
    throw new DTypeError(op, `mask must be bool or ${scores.dtype}, got ${describe(mask)}`);
  return add(scores, mask);
}
