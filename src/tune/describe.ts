import { planFor, shapeClass } from '../ops/plans.ts';
import { type Family, isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { VERSION } from '../version.ts';
import { TUNABLES } from './tunables.ts';
import { type Adapter, adapterOf, parseSizes } from './tuning.ts';

/** The plan that runs for a shape class, and where it comes from. */
export interface PlanInUse {
  readonly op: string;
  readonly shapeClass: string;
  /** The shape class in words: its sizes by name. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly plan: unknown;
  readonly from: 'tuned' | 'shipped' | 'rule';
}

/** What there is to know of a device: plain JSON. */
export interface Description {
  readonly version: string;
  readonly adapter: Adapter;
  readonly family: Family;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
  readonly plans: readonly PlanInUse[];
}

/** The adapter, its limits and features, and which plans run on it for the usual problems of each op. */
export function describe(gpu: Gpu): Description {
  const limits: Record<string, number> = {};
  for (const name in gpu.limits) {
    const value = gpu.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  return {
    version: VERSION,
    adapter: adapterOf(gpu),
    family: gpu.family,
    software: isSoftware(gpu.family),
    limits,
    features: [...gpu.features].sort(),
    plans: TUNABLES.flatMap((tunable) => {
      const { op, classes, sizes: names } = tunable.planning;
      return classes.map((name) => {
        const sizes = parseSizes('describe', tunable, name);
        const named = Object.fromEntries(names.map((n, i) => [n, sizes[i] as number]));
        return {
          op,
          shapeClass: shapeClass(sizes),
          sizes: named,
          ...inUse(gpu, op, sizes, () => tunable.planning.rule(gpu, sizes)),
        };
      });
    }),
  };
}

function inUse(gpu: Gpu, op: string, sizes: readonly number[], rule: () => unknown): Pick<PlanInUse, 'plan' | 'from'> {
  let from: PlanInUse['from'] = gpu.plans?.[op]?.[shapeClass(sizes)] === undefined ? 'shipped' : 'tuned';
  const plan = planFor(gpu, op, sizes, () => {
    from = 'rule';
    return rule();
  });
  return { plan, from };
}
