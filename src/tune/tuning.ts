import { type PlanTable, shapeClass, type Target } from '../ops/plans.ts';
import { ArgumentError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { VERSION } from '../version.ts';
import { TUNABLES, type Tunable } from './tunables.ts';

/** What an adapter says of itself; empty where the browser keeps it back. */
export interface Adapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** One shape class of one op, measured. */
export interface Measurement {
  readonly op: string;
  readonly shapeClass: string;
  /** The default plan, the fastest other, and the plan to use: one of the two. */
  readonly usual: unknown;
  readonly best: unknown;
  readonly plan: unknown;
  /** Time with `usual` over time with `best`: the median of paired rounds, and its 95% interval. */
  readonly gain: number;
  readonly interval: readonly [low: number, high: number];
  /** How many plans were timed. */
  readonly candidates: number;
  /** Plans that got no time, since their results were wrong or the device refused them. */
  readonly refused: readonly { readonly plan: unknown; readonly why: string }[];
}

/** What `tune` found out, as plain JSON. */
export interface Tuning {
  /** Of the package that measured. */
  readonly version: string;
  readonly adapter: Adapter;
  /** Op -> shape class -> plan, where one is faster than the default. */
  readonly plans: PlanTable;
  readonly measured: readonly Measurement[];
}

/** The adapter of a device. */
export function adapterOf({ info }: Pick<Gpu, 'info'>): Adapter {
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  return { vendor, architecture, device, description };
}

/**
 * Has the ops of `gpu` use the plans of a tuning before those that are shipped; null forgets an earlier one. Results change by rounding alone.
 *
 * A tuning by another version of the package, or on another adapter, says nothing about this one and is left alone.
 *
 * @param tuning what `tune` gave, or JSON of it
 * @returns whether it was applied
 * @throws ArgumentError when it is malformed: not a tuning, an unknown op or shape class, or a plan that is none of the op's candidates for that
 *   class on this device; then nothing is applied
 */
export function applyTuning(gpu: Gpu, tuning: Tuning | null): boolean {
  if (tuning === null) {
    gpu.plans = null;
    return true;
  }
  const { version, adapter, plans } = checkTuning(tuning);
  if (version !== VERSION || !sameAdapter(adapter, adapterOf(gpu))) return false;
  gpu.plans = checkPlans(gpu, plans);
  return true;
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

const isAdapter = (x: unknown): x is Adapter =>
  isRecord(x) && [x.vendor, x.architecture, x.device, x.description].every((part) => typeof part === 'string');

function checkTuning(tuning: unknown): Pick<Tuning, 'version' | 'adapter' | 'plans'> {
  const { version, adapter, plans } = isRecord(tuning) ? tuning : {};
  if (typeof version !== 'string' || !isAdapter(adapter) || !isRecord(plans)) {
    throw new ArgumentError('applyTuning', 'tuning must hold version, adapter and plans, as tune gives them');
  }
  return { version, adapter, plans: plans as PlanTable };
}

const sameAdapter = (a: Adapter, b: Adapter): boolean =>
  a.vendor === b.vendor &&
  a.architecture === b.architecture &&
  a.device === b.device &&
  a.description === b.description;

/** The table with the ops' own candidates in place of what stands for them. */
export function checkPlans(gpu: Gpu, table: unknown): PlanTable {
  const out: Record<string, Record<string, unknown>> = {};
  for (const [op, classes] of Object.entries(isRecord(table) ? table : {})) {
    const tunable = tunableOf('applyTuning', op);
    if (!isRecord(classes)) throw new ArgumentError('applyTuning', `plans.${op} must map shape classes to plans`);
    const plans = Object.entries(classes).map(([name, plan]) => [name, candidate(gpu, tunable, name, plan)] as const);
    out[op] = Object.fromEntries(plans);
  }
  return out;
}

/** The op of that name. */
export function tunableOf(caller: string, op: string): Tunable {
  const tunable = TUNABLES.find(({ planning }) => planning.op === op);
  if (tunable) return tunable;
  const names = TUNABLES.map(({ planning }) => planning.op).join(', ');
  throw new ArgumentError(caller, `op must be one of ${names}, got ${op}`);
}

/** The sizes in `name`, such as `64x256x1`. */
export function parseSizes(caller: string, { planning }: Tunable, name: string): number[] {
  const sizes = name.split('x').map(Number);
  if (sizes.length !== planning.sizes.length || !sizes.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new ArgumentError(caller, `the sizes of ${planning.op} must be ${planning.sizes.join('x')}, got ${name}`);
  }
  return sizes;
}

/** All plans that may stand in a table for a class, the rule's first, none twice. */
export function candidatesOf(gpu: Target, { planning }: Tunable, sizes: readonly number[]): unknown[] {
  const all = [planning.rule(gpu, sizes), ...planning.candidates(gpu, sizes)];
  return [...new Map(all.map((plan) => [canonical(plan), plan])).values()];
}

function candidate(gpu: Gpu, tunable: Tunable, name: string, plan: unknown): unknown {
  const sizes = parseSizes('applyTuning', tunable, name);
  const classed = shapeClass(sizes);
  if (name !== classed)
    throw new ArgumentError('applyTuning', `shape class of ${tunable.planning.op} must be ${classed}, got ${name}`);
  const own = candidatesOf(gpu, tunable, sizes).find((c) => canonical(c) === canonical(plan));
  if (own !== undefined) return own;
  const { op } = tunable.planning;
  throw new ArgumentError('applyTuning', `${op} has no plan ${JSON.stringify(plan)} for ${name} on this device`);
}

/** JSON with keys in order: the same for equal plans. */
export const canonical = (plan: unknown): string =>
  JSON.stringify(isRecord(plan) ? Object.fromEntries(Object.entries(plan).sort(([a], [b]) => (a < b ? -1 : 1))) : plan);
