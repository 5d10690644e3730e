import type { Gpu } from '../../runtime/gpu.ts';
import { isSoftware } from '../row_plan.ts';
import type { Problem } from './problem.ts';

/** The algorithms: operands read from storage into registers; tiles in workgroup memory; K shared out among the lanes of a workgroup. */
export type Variant = 'registers' | 'tiled' | 'small';

/** How a product is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  readonly variant: Variant;
  /**
   * Invocations of a workgroup along N, along M and (`registers` only) along the batch and the ranges of K; for `small`, x blocks of
   * columns by y parts of K.
   */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Blocks of 4 rows and of 4 columns an invocation: 1 or 2; `small` has 1. */
  readonly blocksM: number;
  readonly blocksN: number;
  /** `tiled` only: how much of K a tile holds, a multiple of 4; neither tile may have more blocks than the workgroup has invocations. */
  readonly depth: number;
  /** Ranges of K computed apart and added in a second pass; 1 for none. */
  readonly splits: number;
}

/** Adapters that want the same plans. */
export type Family = 'software' | 'large' | 'modest';

/** Software; GPUs whose invocations can hold 8 x 8 sums in registers; those that would spill, and those nobody knows. */
export function familyOf(gpu: Gpu): Family {
  if (isSoftware(gpu)) return 'software';
  const { vendor = '', description = '' } = gpu.info ?? {};
  return /nvidia|apple|amd|radeon|geforce/i.test(`${vendor} ${description}`) ? 'large' : 'modest';
}

/** Invocations of a workgroup of `registers`; invocations that fill the device; the fewest k worth a range of their own. */
const DEVICE: Readonly<
  Record<Family, { readonly group: number; readonly wanted: number; readonly leastRange: number }>
> = {
  software: { group: 16, wanted: 64, leastRange: 1024 },
  modest: { group: 64, wanted: 4096, leastRange: 256 },
  large: { group: 64, wanted: 16_384, leastRange: 256 },
};

/** The plan for a product, from its shape and the adapter's family; the same for the same shape, so that results are repeatable. */
export function plan(family: Family, p: Problem, forced: Partial<Plan> = {}): Plan {
  const variant = forced.variant ?? variantFor(family, p);
  const chosen = { ...{ registers, tiled, small }[variant](family, p), ...forced };
  return { ...chosen, splits: forced.splits ?? splitsFor(family, p, chosen) };
}

/** Rows and columns of C a workgroup computes. */
export function tileOf({
  variant,
  x,
  y,
  blocksM,
  blocksN,
}: Omit<Plan, 'splits'>): readonly [rows: number, columns: number] {
  return variant === 'small' ? [4, 4 * x] : [4 * y * blocksM, 4 * x * blocksN];
}

function variantFor(family: Family, p: Problem): Variant {
  // Workgroup memory wins nothing there, and what SwiftShader takes to compile a kernel grows with it.
  if (family === 'software') return 'registers';
  if (p.n <= 16 && p.m <= 16 && p.batch > 16) return 'registers';
  if (p.m <= 8) return 'small';
  if (p.n <= 8 || p.k < 16) return 'registers';
  return tilesOf(p, 32) <= 32 && p.k <= 512 ? 'small' : 'tiled';
}

const tilesOf = (p: Problem, size: number) => Math.ceil(p.m / size) * Math.ceil(p.n / size) * p.batch;
/** The least power of two that is at least `n`. */
const powerOfTwo = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(n, 1)));

function registers(family: Family, p: Problem): Omit<Plan, 'splits'> {
  const { group } = DEVICE[family];
  const two = (n: number) => (n > 4 && (family === 'software' || tilesOf(p, 8) > DEVICE[family].wanted) ? 2 : 1);
  const [blocksM, blocksN] = [two(p.m), two(p.n)];
  // Few shapes of workgroups, since each is compiled anew.
  const x = p.n > 16 ? 8 : p.n > 8 ? 2 : 1;
  const [y, z] = p.m > 8 ? [group / x, 1] : [1, group / x];
  return { variant: 'registers', x, y, z, blocksM, blocksN, depth: 4 };
}

function tiled(family: Family, p: Problem): Omit<Plan, 'splits'> {
  const blocks = family === 'modest' || tilesOf(p, 64) < 128 ? 1 : 2;
  return { variant: 'tiled', x: 8, y: 8, z: 1, blocksM: blocks, blocksN: blocks, depth: 16 };
}

function small(_: Family, p: Problem): Omit<Plan, 'splits'> {
  const x = Math.min(8, powerOfTwo(p.n / 4));
  return { variant: 'small', x, y: 64 / x, z: 1, blocksM: 1, blocksN: 1, depth: 4 };
}

/** Few outputs and a long K leave most of a device idle, unless ranges of K are computed side by side. */
function splitsFor(family: Family, p: Problem, chosen: Omit<Plan, 'splits'>): number {
  const { wanted, leastRange } = DEVICE[family];
  const { variant, x, y, blocksM, blocksN } = chosen;
  const [rows, columns] = variant === 'registers' ? [4 * blocksM, 4 * blocksN] : tileOf(chosen);
  const invocations =
    Math.ceil(p.m / rows) * Math.ceil(p.n / columns) * p.batch * (variant === 'registers' ? 1 : x * y);
  return Math.max(1, Math.min(64, Math.floor(wanted / Math.max(invocations, 1)), Math.floor(p.k / leastRange)));
}
