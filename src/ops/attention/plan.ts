import { isSoftware } from '../../runtime/adapter.ts';
import { type Planning, planFor, type Target, type Sizes as TunedSizes } from '../plans.ts';
import { matricesOf } from './matrices.ts';
import type { Sizes } from './options.ts';

/** How attention is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  /**
   * Blocks read from storage and kept in registers, one an invocation; tiles of 32 x 32 in workgroup memory, one a workgroup; or matrix products, with a
   * bounded number of scores in memory, where nothing but the scale is asked for.
   */
  readonly variant: 'registers' | 'tiled' | 'matrices';
  /** Rows of queries in a block of `registers`, 4 or 8. */
  readonly rows: 4 | 8;
  /** Ranges of the keys that the forward pass computes apart and then puts together; 1 for none. */
  readonly splits: number;
}

/** Blocks (software) or tiles (GPUs) that fill the device; the fewest keys worth a range of their own. */
const DEVICE = { software: { wanted: 64, leastKeys: 128 }, gpu: { wanted: 256, leastKeys: 128 } } as const;

/** Heads that share keys are rows of one block where they have fewer rows than this, else one after the other: see `tileOf` in lib/attention.inc.wgsl. */
export const FEW_ROWS = 8;

/** What is forced of a plan, or a table's, or the rule's: the same for the same sizes, so that results are repeatable. */
export function plan(
  gpu: Pick<Target, 'family' | 'plans'>,
  sizes: Sizes,
  isPlain: boolean,
  forced?: Partial<Plan>,
): Plan {
  const byMatrices = isPlain && matricesOf(sizes) !== null;
  if (forced) return rule(gpu, sizes, byMatrices, forced);
  const { B, H, Hkv, L, S, D, Dv } = sizes;
  const tuned = [B * Hkv, H / Hkv, L, S, D, Dv, byMatrices ? 1 : 0];
  return planFor(gpu, 'attention', tuned, () => rule(gpu, sizes, byMatrices));
}

/**
 * The plan for a call, from its sizes and the adapter.
 *
 * @param byMatrices whether it could be computed by matrix products
 */
function rule({ family }: Pick<Target, 'family'>, sizes: Sizes, byMatrices: boolean, forced: Partial<Plan> = {}): Plan {
  const { B, H, Hkv, L, S } = sizes;
  const software = isSoftware(family);
  const { wanted, leastKeys } = DEVICE[software ? 'software' : 'gpu'];
  // llvmpipe takes seconds to compile the private arrays of `registers`, and blocks of 8 rows.
  const small = family === 'lavapipe';
  const blocks = software && !small ? 'registers' : 'tiled';
  const variant = forced.variant ?? (byMatrices && software ? 'matrices' : blocks);
  const [loops, span] = L < FEW_ROWS ? [B * Hkv, (H / Hkv) * L] : [B * H, L];
  const rows = forced.rows ?? (span <= 4 || small ? 4 : 8);
  const tiles = Math.max(1, loops * Math.ceil(span / (variant === 'tiled' ? 32 : rows)));
  const splits = Math.max(1, Math.min(64, Math.floor(wanted / tiles), Math.floor(S / leastKeys)));
  return { variant, rows, splits: forced.splits ?? splits };
}

/** A call of a class: heads that share keys, as many as there are in the whole batch. */
function problemOf([heads = 1, group = 1, L = 1, S = 1, D = 4, Dv = 4, plain = 0]: TunedSizes) {
  const sizes: Sizes = { B: 1, H: heads * group, Hkv: heads, L, S, D, Dv };
  return { sizes, byMatrices: plain === 1 && matricesOf(sizes) !== null };
}

/** What the tuner needs of attention. `plain`: it could be computed by matrix products; elsewhere causal calls stand for all. */
export const attentionPlanning: Planning<Plan> = {
  op: 'attention',
  sizes: ['heads', 'group', 'queries', 'keys', 'width', 'valueWidth', 'plain'],
  classes: [
    ...['8x1x256x256x64x64x1', '8x1x512x512x64x64x0', '128x1x32x32x32x32x1', '16x1x1x2048x64x64x0'],
    ...['16x1x1x2048x64x64x1', '4x4x512x512x128x128x0'],
  ],
  rule: (target, tuned) => {
    const { sizes, byMatrices } = problemOf(tuned);
    return rule(target, sizes, byMatrices);
  },
  candidates: (target, tuned) => {
    const { sizes, byMatrices } = problemOf(tuned);
    return candidates(target, sizes, byMatrices);
  },
};

/** Each variant the device compiles in time, with one range of keys, with as many as the rule gives it, and with twice and half as many. */
function candidates(target: Target, sizes: Sizes, byMatrices: boolean): Plan[] {
  const { family } = target;
  const software = isSoftware(family);
  const forced: Partial<Plan>[] = [
    { variant: 'registers', rows: 4 },
    // The sums of 8 rows spill on GPUs, and take llvmpipe half a minute to compile.
    ...(software && family !== 'lavapipe'
      ? [{ variant: 'registers', rows: 8 } as const]
      : [{ variant: 'tiled' } as const]),
  ];
  const fused = forced.flatMap((some) => {
    const { splits } = rule(target, sizes, false, some);
    const wanted = splits === 1 ? [1] : [...new Set([1, Math.ceil(splits / 2), splits, Math.min(2 * splits, 64)])];
    return wanted.map((splits) => rule(target, sizes, false, { ...some, splits }));
  });
  return byMatrices ? [...fused, rule(target, sizes, true, { variant: 'matrices' })] : fused;
}
