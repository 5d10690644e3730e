import type { RowPlan } from '../../src/ops/row_plan.ts';

/** Every way in which the row kernels share out their work; 3 and 7 chunks leave a last one of another size. */
export const plans: Readonly<Record<string, RowPlan>> = {
  'one invocation a row': { lanes: 1, splits: 1, vec4: false },
  'one, vec4': { lanes: 1, splits: 1, vec4: true },
  'four lanes': { lanes: 4, splits: 1, vec4: false },
  '16 lanes, vec4': { lanes: 16, splits: 1, vec4: true },
  'a workgroup': { lanes: 256, splits: 1, vec4: false },
  'one, vec4, cut': { lanes: 1, splits: 3, vec4: true },
  'eight lanes, cut': { lanes: 8, splits: 7, vec4: false },
};

/** Those among them that a software adapter compiles and runs quickly, and which between them take every branch but the longest trees. */
export const quickPlans: readonly RowPlan[] = ['one, vec4', 'four lanes', 'one, vec4, cut'].map(
  (name) => plans[name] as RowPlan,
);
