import type { Family, PlanTable } from '../runtime/adapter.ts';

/**
 * What `tune` found faster than the rules on adapters of a family, twice in a row. On SwiftShader and lavapipe, where the rules come from, no
 * plan has been yet; the other families have not been measured.
 */
export const SHIPPED: { readonly [family in Family]?: PlanTable } = {};
