// How an op finds its plan: the device's own table, then the one shipped for its family, then the op's rule. See docs/tuning.md.
import type { PlanTable } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { SHIPPED } from './shipped_plans.ts';

/** What plans are made for. */
export type Target = Pick<Gpu, 'family' | 'plans' | 'limits' | 'features'>;

/** The sizes of a problem that its plan depends on, flags (0 or 1) among them. */
export type Sizes = readonly number[];

/** What an op's plan file tells the tuner. */
export interface Planning<T> {
  /** The op's name in tables. */
  readonly op: string;
  /** The names of the sizes that make up a shape class. */
  readonly sizes: readonly string[];
  /** The shape classes that are tuned where none are asked for. */
  readonly classes: readonly string[];
  /** The plan where no table has one. */
  rule(target: Target, sizes: Sizes): T;
  /** Every plan worth timing, all within the device's limits: only these may stand in a table. */
  candidates(target: Target, sizes: Sizes): readonly T[];
}

/** Problems that share a plan: each size rounded up to a power of two, as in `64x256x256x1`. The largest problem of a class has its name's sizes. */
export const shapeClass = (sizes: Sizes): string =>
  sizes.map((n) => (n < 1 ? 0 : 2 ** Math.ceil(Math.log2(n)))).join('x');

/** The plan for a problem; the same each time, so that results are repeatable. */
export function planFor<T>(
  { family, plans }: Pick<Target, 'family' | 'plans'>,
  op: string,
  sizes: Sizes,
  rule: () => T,
): T {
  const own = plans?.[op];
  const shipped = SHIPPED[family]?.[op];
  if (!own && !shipped) return rule();
  const name = shapeClass(sizes);
  return ((own?.[name] ?? shipped?.[name]) as T | undefined) ?? rule();
}

export type { PlanTable };
