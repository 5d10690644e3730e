import type { Shape } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { mul } from '../binary.ts';
import { concat } from '../concat.ts';
import { takeAlong } from '../gather.ts';
import type { RowView } from '../row_plan.ts';
import { reshape } from '../shape.ts';
import { slice } from '../slice.ts';

/** The definition of `prod`: the first half of the row times the second, until one element is left. */
export function prodPlain(x: Tensor, { outer, axis, inner }: RowView, shape: Shape): Tensor {
  let y = reshape(x, [outer, axis, inner]);
  for (let n = axis; n > 1; n = Math.ceil(n / 2)) {
    const half = Math.floor(n / 2);
    const halves = mul(slice(y, [null, [0, half]]), slice(y, [null, [half, 2 * half]]));
    y = n % 2 === 0 ? halves : concat([halves, slice(y, [null, [n - 1, n]])], { axis: 1 });
  }
  return reshape(y, shape);
}

/** The definition of `max` and `min`, their places found: the elements there. */
export function pickPlain(x: Tensor, index: Tensor, { outer, axis, inner }: RowView, shape: Shape): Tensor {
  return reshape(takeAlong(reshape(x, [outer, axis, inner]), reshape(index, [outer, 1, inner]), { axis: 1 }), shape);
}
