import type { Shape } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { add, div, maximum, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { equal } from '../compare.ts';
import { full } from '../create.ts';
import { max, sum } from '../reduce.ts';
import type { RowView } from '../row_plan.ts';
import { reshape } from '../shape.ts';
import { exp, log } from '../unary.ts';
import { where } from '../where.ts';

/**
 * The definition of `softmax` and `logSoftmax`: exp(scale (x - m)) / sum(exp(scale (x - m))) and its logarithm, with m the maximum of the row, or
 * -3.3e38 where all lies below that: such a row counts as masked.
 */
export function softmaxPlain(x: Tensor, axis: number, logarithm: boolean, scale = 1): Tensor {
  const centred = sub(x, maximum(max(x, { axis, keepDims: true }), x.dtype === 'f16' ? -65504 : -3.3e38));
  const shifted = scale === 1 ? centred : mul(centred, scale);
  const e = exp(shifted);
  const s = sum(e, { axis, keepDims: true });
  const masked = equal(s, 0);
  const safe = add(s, cast(masked, x.dtype));
  if (!logarithm) return div(e, safe);
  return where(masked, full(x.gpu, [], Number.NEGATIVE_INFINITY, x.dtype), sub(shifted, log(safe)));
}

/** The definition of `logsumexp`: m + log(sum(exp(x - m))), or -inf where all is masked. */
export function logsumexpPlain(x: Tensor, { outer, axis, inner }: RowView, shape: Shape): Tensor {
  const rows = reshape(x, [outer, axis, inner]);
  const m = maximum(max(rows, { axis: 1, keepDims: true }), x.dtype === 'f16' ? -65504 : -3.3e38);
  const s = sum(exp(sub(rows, m)), { axis: 1, keepDims: true });
  const masked = equal(s, 0);
  const total = add(m, log(add(s, cast(masked, x.dtype))));
  return reshape(where(masked, full(x.gpu, [], Number.NEGATIVE_INFINITY, x.dtype), total), shape);
}
