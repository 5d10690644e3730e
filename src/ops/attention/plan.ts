import { isSoftware } from '../../runtime/adapter.ts';
import { type Planning, planFor, type Target, type Sizes as TunedSizes } from '../plans.ts';
import { matricesOf } from './matrices.ts';
import type { Sizes } from './options.ts';

/** How attention is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  /**
   * Blocks read from storage and kept in registers, one an invocation; square tiles in workgroup memory, one a workgroup; or matrix products, with a
   * bounded number of scores in memory, where nothing but the scale is asked for.
   */
  readonly variant: 'registers' | 'tiled' | 'matrices';
  /** Rows of queries in a block of `registers`, 4 or 8. */
  readonly rows: 4 | 8;
  /** Rows and keys of a tile of the gradients of `tiled`: 32, or 64, which takes 24 KB of workgroup memory. */
  readonly tile: 32 | 64;
  /** Ranges of the keys that the forward pass computes apart and then puts together; 1 for none. */
  readonly splits: number;
  /** Ranges of the rows over which `tiled` computes the gradients of keys and values apart, and then adds them; for those of queries it takes `splits`. */
  readonly rowSplits: number;
  /** Whether `tiled` computes the gradients of q, k and v in one kernel: only where a head has at most 32 rows and 32 keys. */
  readonly together: boolean;
}

/** Blocks (software) or tiles (GPUs) that fill the device; the fewest keys or rows worth a range of their own; the most ranges worth putting together. */
const DEVICE = { software: { wanted: 64, least: 128, most: 64 }, gpu: { wanted: 512, least: 64, most: 16 } } as const;
/** What a tile of 64 takes of workgroup memory, and the widest heads whose sums fit registers then. */
const LARGE = { bytes: 24_576, width: 128 } as const;

/** Heads that share keys are rows of one block where they have fewer rows than this, else one after the other: see `tileOf` in lib/attention.inc.wgsl. */
export const FEW_ROWS = 8;

/** What a plan depends on beside the sizes. */
export interface Traits {
  /** Whether matrix products could do it: every query sees every key, and scores are only scaled. */
  readonly isPlain: boolean;
  /** Whether the sums of scores, which an invocation has for twice as many rows in tiles of 64, leave it registers: nothing is hidden and scores are only scaled. */
  readonly isLean: boolean;
}

/** What is forced of a plan, or a table's, or the rule's: the same for the same sizes, so that results are repeatable. */
export function plan(
  gpu: Device & Pick<Target, 'plans'>,
  sizes: Sizes,
  { isPlain, isLean }: Traits,
  forced?: Partial<Plan>,
): Plan {
  const byMatrices = isPlain && matricesOf(sizes) !== null;
  const tiles = isLean && fitsLarge(gpu, sizes) ? 64 : 32;
  if (forced) return rule(gpu, sizes, byMatrices, tiles, forced);
  const { B, H, Hkv, L, S, D, Dv } = sizes;
  const tuned = [B * Hkv, H / Hkv, L, S, D, Dv, byMatrices ? 1 : 0];
  const found = planFor(gpu, 'attention', tuned, () => rule(gpu, sizes, byMatrices, tiles));
  const tile = found.tile <= tiles ? found.tile : 32;
  return { ...found, tile, together: found.together && isOneTile(sizes, tile) };
}

/** Heads in the batch, and rows of each, as the kernels see them: see `FEW_ROWS`. */
const headsAndRows = ({ B, H, Hkv, L }: Sizes) =>
  (L < FEW_ROWS ? [B * Hkv, (H / Hkv) * L] : [B * H, L]) as [number, number];
/** Whether a head has one tile of rows and one of keys. By tiles of 64 the sums of all three gradients would not fit registers. */
const isOneTile = (sizes: Sizes, tile: number) => tile === 32 && headsAndRows(sizes)[1] <= 32 && sizes.S <= 32;

/** Whether tiles of 64 are whole, and the device has room for them. */
function fitsLarge({ family, limits }: Device, { L, S, D, Dv }: Sizes): boolean {
  const isWhole = L >= FEW_ROWS && L % 64 === 0 && S % 64 === 0;
  return (
    !isSoftware(family) &&
    isWhole &&
    Math.max(D, Dv) <= LARGE.width &&
    limits.maxComputeWorkgroupStorageSize >= LARGE.bytes
  );
}

/**
 * The plan for a call, from its sizes and the adapter.
 *
 * @param byMatrices whether it could be computed by matrix products
 * @param largest the largest tiles that it could be computed by
 */
function rule(
  { family }: Device,
  sizes: Sizes,
  byMatrices: boolean,
  largest: 32 | 64,
  forced: Partial<Plan> = {},
): Plan {
  const { B, Hkv, S } = sizes;
  const software = isSoftware(family);
  const { wanted, least, most } = DEVICE[software ? 'software' : 'gpu'];
  // llvmpipe takes seconds to compile the private arrays of `registers`, and blocks of 8 rows.
  const small = family === 'lavapipe';
  const blocks = software && !small ? 'registers' : 'tiled';
  const variant = forced.variant ?? (byMatrices && software ? 'matrices' : blocks);
  const [loops, span] = headsAndRows(sizes);
  const rows = forced.rows ?? (span <= 4 || small ? 4 : 8);
  const many = Math.min(loops * Math.ceil(span / 64), B * Hkv * Math.ceil(S / 64)) >= wanted;
  const tile = forced.tile ?? (many ? largest : 32);
  const ranges = (blocks: number, length: number) =>
    Math.max(1, Math.min(most, Math.floor(wanted / Math.max(1, blocks)), Math.floor(length / least)));
  const splits = forced.splits ?? ranges(loops * Math.ceil(span / (variant === 'tiled' ? tile : rows)), S);
  const rowSplits = forced.rowSplits ?? ranges(B * Hkv * Math.ceil(S / tile), span);
  // Heads that share keys are computed one after the other then: only where there are many such groups.
  const isWorthIt = splits * rowSplits === 1 && (loops === B * Hkv || B * Hkv >= wanted);
  const together = variant === 'tiled' && isOneTile(sizes, tile) && (forced.together ?? isWorthIt);
  return { variant, rows, tile, splits, rowSplits, together };
}

type Device = Pick<Target, 'family' | 'limits'>;

/** A call of a class: heads that share keys, as many as there are in the whole batch. */
function problemOf(target: Device, [heads = 1, group = 1, L = 1, S = 1, D = 4, Dv = 4, plain = 0]: TunedSizes) {
  const sizes: Sizes = { B: 1, H: heads * group, Hkv: heads, L, S, D, Dv };
  const byMatrices = plain === 1 && matricesOf(sizes) !== null;
  return { sizes, byMatrices, largest: plain === 1 && fitsLarge(target, sizes) ? 64 : 32 } as const;
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
    const { sizes, byMatrices, largest } = problemOf(target, tuned);
    return rule(target, sizes, byMatrices, largest);
  },
  candidates,
};

/** Each variant the device compiles in time, with one range of keys, with as many as the rule gives it, and with twice and half as many. */
function candidates(target: Target, tuned: TunedSizes): Plan[] {
  const { sizes, byMatrices, largest } = problemOf(target, tuned);
  const software = isSoftware(target.family);
  const forced: Partial<Plan>[] = [
    { variant: 'registers', rows: 4 },
    // The sums of 8 rows spill on GPUs, and take llvmpipe half a minute to compile.
    ...(software && target.family !== 'lavapipe'
      ? [{ variant: 'registers', rows: 8 } as const]
      : ([32, 64] as const).filter((tile) => tile <= largest).map((tile) => ({ variant: 'tiled', tile }) as const)),
  ];
  const fused = forced.flatMap((some) => {
    const { splits } = rule(target, sizes, false, largest, some);
    const wanted = splits === 1 ? [1] : [...new Set([1, Math.ceil(splits / 2), splits, Math.min(2 * splits, 64)])];
    return wanted.map((splits) => rule(target, sizes, false, largest, { ...some, splits }));
  });
  const apart = fused.filter((plan) => plan.together).map((plan) => ({ ...plan, together: false }));
  fused.push(...apart);
  return byMatrices ? [...fused, rule(target, sizes, true, largest, { variant: 'matrices' })] : fused;
}
