import { type Shape, sizeOf } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { rmsNormPlain } from '../reference/norm.ts';
import type { RowPlan } from '../row_plan.ts';
import { checkEps, checkLastAxes } from './checks.ts';
import { columnGradients } from './columns.ts';
import { normalizeRows } from './rows.ts';

export interface RmsNormOptions {
  /** The scale of each element, of shape `normalizedShape`; default 1. */
  readonly weight?: Tensor | null;
  /** The last axes of `x`, which are normalised together; default the shape of `weight`, or the last axis. */
  readonly normalizedShape?: Shape;
  /** Added to the mean square; default the distance from 1 to the next number of x's dtype, as in PyTorch: 2^-23 for f32, 2^-10 for f16. */
  readonly eps?: number;
  /** @internal Instead of the planner's choices, for rows and for the sums over rows that the gradient of weight is. */
  readonly plan?: RowPlan;
  readonly weightPlan?: RowPlan;
}

/**
 * Root mean square normalisation: x / sqrt(mean(x^2) + eps) * weight over the last axes.
 *
 * Computed in f32 whatever the storage. Source: Zhang and Sennrich 2019, arXiv:1910.07467.
 *
 * @param x any shape of rank 1 or more, f32 or f16; an empty one gives an empty one
 * @returns a tensor like `x`
 * @throws ShapeError when `normalizedShape` or `weight` do not fit; DTypeError for other or different dtypes; ArgumentError for eps < 0
 */
export function rmsNorm(x: Tensor, options: RmsNormOptions = {}): Tensor {
  const op = 'rmsNorm';
  const { weight = null, plan } = options;
  const shape = checkLastAxes(op, x, options.normalizedShape, { weight });
  const eps = options.eps ?? (x.dtype === 'f16' ? 2 ** -10 : 2 ** -23);
  checkEps(op, eps);
  return normalizeRows(x, {
    op,
    rows: { cols: sizeOf(shape), eps, rms: true, channels: null },
    affine: { weight, bias: null },
    plan,
    gradients: columnGradients(op, shape, options.weightPlan),
    plain: (x, weight) => rmsNormPlain(x, weight, shape, eps),
  });
}
