import { isSoftware } from '../../runtime/adapter.ts';
import type { Gpu } from '../../runtime/gpu.ts';
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

/**
 * The plan for a call, from its sizes and the adapter; the same for the same sizes, so that results are repeatable.
 *
 * @param byMatrices whether it could be computed by matrix products
 */
export function plan(gpu: Pick<Gpu, 'family'>, sizes: Sizes, byMatrices: boolean, forced: Partial<Plan> = {}): Plan {
  const { B, H, Hkv, L, S } = sizes;
  const software = isSoftware(gpu.family);
  const { wanted, leastKeys } = DEVICE[software ? 'software' : 'gpu'];
  // llvmpipe takes seconds to compile the private arrays of `registers`, and blocks of 8 rows.
  const small = gpu.family === 'lavapipe';
  const blocks = software && !small ? 'registers' : 'tiled';
  const variant = forced.variant ?? (byMatrices && software ? 'matrices' : blocks);
  const [loops, span] = L < FEW_ROWS ? [B * Hkv, (H / Hkv) * L] : [B * H, L];
  const rows = forced.rows ?? (span <= 4 || small ? 4 : 8);
  const tiles = Math.max(1, loops * Math.ceil(span / (variant === 'tiled' ? 32 : rows)));
  const splits = Math.max(1, Math.min(64, Math.floor(wanted / tiles), Math.floor(S / leastKeys)));
  return { variant, rows, splits: forced.splits ?? splits };
}
