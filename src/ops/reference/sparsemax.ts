import { detach } from '../../autograd/tape.ts';
import type { Tensor } from '../../tensor.ts';
import { div, maximum, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { greater } from '../compare.ts';
import { sum } from '../reduce.ts';
import { sparsemax } from '../sparsemax.ts';
import { where } from '../where.ts';

/** The definition of `sparsemax` given its support, which the gradient takes for constant: x - (sum of the support - 1) / its size there, 0 elsewhere. */
export function sparsemaxPlain(x: Tensor, axis: number): Tensor {
  const support = greater(sparsemax(detach(x), { axis }), 0);
  const count = sum(cast(support, x.dtype), { axis, keepDims: true });
  const total = sum(where(support, x, 0), { axis, keepDims: true });
  return where(support, sub(x, div(sub(total, 1), maximum(count, 1))), 0);
}
