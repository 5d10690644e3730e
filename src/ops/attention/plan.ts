import { isSoftware } from '../../runtime/adapter.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { Sizes } from './options.ts';

/** How attention is computed. What is left out of a forced plan is the planner's choice. */
export interface Plan {
  /** Rows of queries in a block: 4 or 8. */
  readonly rows: 4 | 8;
  /** Ranges of the keys that the forward pass computes apart and then puts together; 1 for none. */
  readonly splits: number;
}

/** Invocations that fill the device; the fewest keys worth a range of their own. */
const DEVICE = { software: { wanted: 64, leastKeys: 128 }, gpu: { wanted: 8192, leastKeys: 64 } } as const;

/** The plan for a call, from its sizes and the adapter; the same for the same sizes, so that results are repeatable. */
export function plan(gpu: Pick<Gpu, 'family'>, { B, H, Hkv, L, S }: Sizes, forced: Partial<Plan> = {}): Plan {
  const { wanted, leastKeys } = DEVICE[isSoftware(gpu.family) ? 'software' : 'gpu'];
  // Heads that share keys are rows of one block where L is small.
  const rows = forced.rows ?? ((L < 8 ? (H / Hkv) * L : L) <= 4 ? 4 : 8);
  const tiles = Math.max(1, B * H * Math.ceil(L / rows));
  const splits = Math.max(1, Math.min(64, Math.floor(wanted / tiles), Math.floor(S / leastKeys)));
  return { rows, splits: forced.splits ?? splits };
}
