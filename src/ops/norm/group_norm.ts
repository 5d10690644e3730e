import { describe, sizeOf } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat } from '../check.ts';
import { groupNormPlain } from '../reference/norm.ts';
import type { RowPlan } from '../row_plan.ts';
import { channelGradients } from './channels.ts';
import { checkAffine, checkEps } from './checks.ts';
import { normalizeRows } from './rows.ts';

export interface GroupNormOptions {
  /** [C], of x's dtype: the scale of each channel; default 1. */
  readonly weight?: Tensor | null;
  /** [C], of x's dtype: what is added to each channel; default 0. */
  readonly bias?: Tensor | null;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** @internal Instead of the planner's choices, for groups and for the sums that the gradients of weight and bias are. */
  readonly plan?: RowPlan;
  readonly weightPlan?: RowPlan;
}

/**
 * Group normalisation: y = (x - mean) / sqrt(variance + eps) * weight[c] + bias[c], with mean and variance (about the mean, divided by n) over each of
 * `groups` groups of neighbouring channels of each image.
 *
 * Computed in f32 whatever the storage. Source: Wu and He 2018, arXiv:1803.08494.
 *
 * @param x      [N, C, ...] with any axes behind the channels, or [N, C]; f32 or f16; an empty one gives an empty one
 * @param groups a divisor of C: 1 for all channels together, C for each by itself
 * @returns a tensor like `x`
 * @throws ShapeError when x has fewer than two axes, or weight or bias do not fit; DTypeError for other or different dtypes; ArgumentError when groups
 *         does not divide C, and for eps < 0
 */
export function groupNorm(x: Tensor, groups: number, options: GroupNormOptions = {}): Tensor {
  return normalizeGroups('groupNorm', x, groups, options);
}

/**
 * Instance normalisation: y = (x - mean) / sqrt(variance + eps) * weight[c] + bias[c], with mean and variance (about the mean, divided by n) over each
 * channel of each image: `groupNorm` with as many groups as channels.
 *
 * Computed in f32 whatever the storage. Source: Ulyanov et al. 2016, arXiv:1607.08022.
 *
 * @param x [N, C, ...], f32 or f16; an empty one gives an empty one
 * @returns a tensor like `x`
 * @throws ShapeError when x has fewer than three axes, or weight or bias do not fit; DTypeError for other or different dtypes; ArgumentError for eps < 0
 */
export function instanceNorm(x: Tensor, options: GroupNormOptions = {}): Tensor {
  checkFloat('instanceNorm', 'x', x);
  if (x.rank < 3) throw new ShapeError('instanceNorm', `x must be [N, C, ...] of rank 3 or more, got ${describe(x)}`);
  return normalizeGroups('instanceNorm', x, x.shape[1] as number, options);
}

function normalizeGroups(op: string, x: Tensor, groups: number, options: GroupNormOptions): Tensor {
  const { weight = null, bias = null, eps = 1e-5, plan } = options;
  checkFloat(op, 'x', x);
  if (x.rank < 2) throw new ShapeError(op, `x must be [N, C, ...] of rank 2 or more, got ${describe(x)}`);
  const [outer, channels, ...rest] = x.shape as [number, number, ...number[]];
  // No channels are as many groups of none.
  const divides = Number.isInteger(groups) && (channels === 0 ? groups >= 0 : groups >= 1 && channels % groups === 0);
  if (!divides)
    throw new ArgumentError(op, `groups must divide the ${channels} channels of x, got ${groups} (x: ${describe(x)})`);
  checkAffine(op, x, { weight, bias }, [channels]);
  checkEps(op, eps);
  const inner = sizeOf(rest);
  const cols = channels === 0 ? 0 : (channels / groups) * inner;
  return normalizeRows(x, {
    op,
    rows: { cols, eps, rms: false, channels: { groups, count: channels, inner } },
    affine: { weight, bias },
    plan,
    gradients: channelGradients(op, { outer, channels, inner }, groups, options.weightPlan),
    plain: (x, weight, bias) => groupNormPlain(x, weight, bias, groups, eps),
  });
}
