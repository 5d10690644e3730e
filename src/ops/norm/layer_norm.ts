import { type Shape, sizeOf } from '../../host.ts';
import type { Tensor } from '../../tensor.ts';
import { layerNormPlain } from '../reference/norm.ts';
import type { RowPlan } from '../row_plan.ts';
import { checkEps, checkLastAxes } from './checks.ts';
import { columnGradients } from './columns.ts';
import { normalizeRows } from './rows.ts';

export interface LayerNormOptions {
  /** The scale of each element, of shape `normalizedShape`; default 1. */
  readonly weight?: Tensor | null;
  /** What is added to each element, of shape `normalizedShape`; default 0. */
  readonly bias?: Tensor | null;
  /** The last axes of `x`, which are normalised together; default the shape of `weight` or `bias`, or the last axis. */
  readonly normalizedShape?: Shape;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** @internal Instead of the planner's choices, for rows and for the sums over rows that the gradients of weight and bias are. */
  readonly plan?: RowPlan;
  readonly weightPlan?: RowPlan;
}

/**
 * Layer normalisation: (x - mean) / sqrt(variance + eps) * weight + bias over the last axes, with the variance about the mean, divided by n.
 *
 * Computed in f32 whatever the storage. Source: Ba et al. 2016, arXiv:1607.06450.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ShapeError when `normalizedShape`, `weight` or `bias` do not fit; DTypeError for other or different dtypes; ArgumentError for eps < 0
 */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  const op = 'layerNorm';
  const { weight = null, bias = null, eps = 1e-5, plan } = options;
  const shape = checkLastAxes(op, x, options.normalizedShape, { weight, bias });
  checkEps(op, eps);
  return normalizeRows(x, {
    op,
    rows: { cols: sizeOf(shape), eps, rms: false, channels: null },
    affine: { weight, bias },
    plan,
    gradients: columnGradients(op, shape, options.weightPlan),
    plain: (x, weight, bias) => layerNormPlain(x, weight, bias, shape, eps),
  });
}
