import type { Gpu } from '../../runtime/gpu.ts';
import { isSoftware } from '../row_plan.ts';
import type { Problem } from './problem.ts';

/** The algorithms: operands read from storage into registers; tiles in workgroup memory; K shared out among the lanes of a workgroup. */
export type Variant = 'registers' | 'tiled' | 'small';

/** How a product is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  readonly variant: Variant;
  /** Invocations of a workgroup along N and M; for `small`, blocks of columns and parts of K. */
  readonly x: number;
  readonly y: number;
  /** Blocks of 4 rows and of 4 columns an invocation: 1 or 2. */
  readonly blocksM: number;
  readonly blocksN: number;
  /** `tiled` only: how much of K a tile holds; at most 4 x over the larger of the blocks. */
  readonly depth: number;
  /** Ranges of K computed apart and added in a second pass; 1 for none. */
  readonly splits: number;
}

/** Adapters that want the same plans. */
export type Family = 'software' | 'large' | 'modest';

/** Software; GPUs whose invocations can hold 8 x 8 sums in registers; those that spill, and those nobody knows. */
export function familyOf(gpu: Gpu): Family {
  if (isSoftware(gpu)) return 'software';
  const { vendor = '', description = '' } = gpu.info ?? {};
  return /nvidia|apple|amd|radeon|geforce/i.test(`${vendor} ${description}`) ? 'large' : 'modest';
}

/** Invocations that fill the device, the fewest k worth a range of their own, and what they pay in sums. */
const DEVICE: Readonly<Record<Family, { readonly wanted: number; readonly leastRange: number }>> = {
  software: { wanted: 64, leastRange: 1024 },
  modest: { wanted: 4096, leastRange: 256 },
  large: { wanted: 16_384, leastRange: 256 },
};

/** The plan for a product, from its shape and the adapter's family; the same for the same shape, so that results are repeatable. */
export function plan(family: Family, p: Problem, forced: Partial<Plan> = {}): Plan {
  const chosen = { ...choose(family, p, forced.variant), ...forced };
  return { ...chosen, splits: forced.splits ?? splitsFor(family, p, chosen) };
}

function choose(family: Family, p: Problem, forced?: Variant): Omit<Plan, 'splits'> {
  const variant = forced ?? variantFor(family, p);
  const two = (n: number) => (n > 4 ? 2 : 1);
  if (variant === 'small') return { variant, ...(p.n > 16 ? { x: 8, y: 8 } : { x: Math.max(1, Math.ceil(p.n / 4)), y: 16 }), blocksM: 1, blocksN: 1, depth: 4 };
  if (variant === 'tiled') {
    const blocks = family === 'modest' || tiles(p, 64) < 128 ? 1 : 2;
    return { variant, x: 8, y: 8, blocksM: blocks, blocksN: blocks, depth: 16 };
  }
  return { variant, x: p.n <= 32 ? 2 : 8, y: 2, blocksM: two(p.m), blocksN: two(p.n), depth: 4 };
}

const tiles = (p: Problem, size: number) => Math.ceil(p.m / size) * Math.ceil(p.n / size) * p.batch;

function variantFor(family: Family, p: Problem): Variant {
  if (family === 'software') return p.m * p.n * p.batch < 32 && p.k >= 1024 ? 'small' : 'registers';
  if (p.m <= 8 || p.n <= 8) return p.m <= 8 ? 'small' : 'registers';
  return p.k < 16 ? 'registers' : 'tiled';
}

/** Few outputs and a long K leave most of a device idle, unless ranges of K are computed side by side. */
function splitsFor(family: Family, p: Problem, { variant, x, y, blocksM, blocksN }: Omit<Plan, 'splits'>): number {
  const { wanted, leastRange } = DEVICE[family];
  const [rows, columns] = variant === 'small' ? [4, 4 * x] : [4 * y * blocksM, 4 * x * blocksN];
  const invocations = Math.ceil(p.m / rows) * Math.ceil(p.n / columns) * p.batch * x * y;
  return Math.max(1, Math.min(64, Math.floor(wanted / Math.max(invocations, 1)), Math.floor(p.k / leastRange)));
}
