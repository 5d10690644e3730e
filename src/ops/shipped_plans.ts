import type { Family, PlanTable } from '../runtime/adapter.ts';

/** What `tune` found faster than the rules on adapters of a family, twice in a row. Families not named here have not been measured. */
export const SHIPPED: { readonly [family in Family]?: PlanTable } = {};
