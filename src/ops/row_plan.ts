import { isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { grid } from '../runtime/kernel.ts';
import { type Planning, planFor, type Sizes, type Target } from './plans.ts';

/** Data seen as [outer, axis, inner]: what the row kernels (reductions, softmax, normalisation) work along. */
export interface RowView {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

/** How a row kernel shares out its work. */
export interface RowPlan {
  /** Invocations that share a row (or a chunk of it): a power of two up to 256. */
  readonly lanes: number;
  /** Chunks into which a row is cut, for as many workgroups; more than one takes a second pass. */
  readonly splits: number;
  /** Four elements at a time, where the kernel has that form and the shape allows it. */
  readonly vec4: boolean;
}

/** The elements that one invocation may walk over on a CPU: llvmpipe leaves all loops of an invocation after 65,535 turns in total. */
export const LONGEST_RUN = 16_384;

/** Of a row, in a workgroup. */
const MOST_LANES = 256;

/** The elements before, along and after `axis`. */
export function rowView(shape: readonly number[], axis: number): RowView {
  const product = (from: number, to: number) => shape.slice(from, to).reduce((a, b) => a * b, 1);
  return { outer: product(0, axis), axis: shape[axis] ?? 1, inner: product(axis + 1, shape.length) };
}

/**
 * One invocation a row where rows are short or many, more lanes for long ones, and chunks where a few long rows would leave the device idle.
 * Measured on SwiftShader; on GPUs by the usual rules: neighbours read neighbours, some elements a lane.
 *
 * @param canSplit whether the kernel has a second pass
 */
export function planRows(
  { family }: Pick<Target, 'family'>,
  { outer, axis, inner }: RowView,
  canSplit = true,
): RowPlan {
  const rows = Math.max(outer * inner, 1);
  if (isSoftware(family)) {
    // Four invocations run side by side, so that only fewer rows than that gain from being cut.
    const wanted = rows < 4 ? Math.min(Math.floor(axis / 256), 64) : Math.ceil(axis / LONGEST_RUN);
    const splits = canSplit ? Math.max(wanted, 1) : 1;
    const lanes = 2 ** Math.ceil(Math.log2(Math.max(axis / splits / LONGEST_RUN, 1)));
    return { lanes: Math.min(lanes, MOST_LANES), splits, vec4: true };
  }
  // The lanes of a contiguous row read side by side. Columns lie side by side already: there a workgroup takes some, and few lanes of each.
  const widest = inner === 1 ? 256 : Math.max(8, powerOfTwo(256 / inner));
  const idle = 65_536 / rows;
  const lanes = Math.min(powerOfTwo(axis / 8), widest, inner === 1 ? 256 : powerOfTwo(idle));
  const splits = Math.min(Math.floor(axis / (lanes * 16)), Math.floor(idle / lanes), 64);
  return { lanes, splits: canSplit && lanes === widest ? Math.max(splits, 1) : 1, vec4: true };
}

/**
 * A plan for kernels that only write along rows: chunks of a few elements a lane, enough of them to fill the device. Rows, not elements, are
 * shared out, since what a row has in common (and the divisions that find it) would be found again for each element.
 */
export function planRowMap({ family }: Pick<Target, 'family'>, { outer, axis, inner }: RowView): RowPlan {
  const rows = Math.max(outer * inner, 1);
  if (isSoftware(family)) {
    const wanted = Math.max(Math.min(Math.floor(axis / 64), Math.floor(256 / rows)), Math.ceil(axis / LONGEST_RUN), 1);
    return { lanes: 1, splits: wanted, vec4: true };
  }
  const lanes = inner === 1 ? Math.min(powerOfTwo(axis), 64) : 1;
  return { lanes, splits: Math.max(1, Math.ceil(axis / (lanes * 8))), vec4: true };
}

type RowRule = (target: Pick<Target, 'family'>, view: RowView) => RowPlan;

/** `planRows` for kernels without a second pass. */
export const planWhole: RowRule = (target, view) => planRows(target, view, false);

/** As `planRows`, but on a CPU the lanes of a workgroup share a row as long as they may: a second pass costs more than their barriers. */
export const planShared: RowRule = (target, view) =>
  planRows(target, view, !isSoftware(target.family) || view.axis > MOST_LANES * LONGEST_RUN);

/** The plan of a row op that has one in tables under `op`, or by its rule. */
export const rowPlan = (gpu: Gpu, op: string, view: RowView, rule: RowRule = planRows): RowPlan =>
  planFor(gpu, op, sizesOf(view), () => rule(gpu, view));

const mapPlan = (gpu: Gpu, view: RowView): RowPlan =>
  planFor(gpu, 'rowMap', sizesOf(view), () => planRowMap(gpu, view));

const sizesOf = ({ outer, axis, inner }: RowView): Sizes => [outer, axis, inner];
export const viewOf = ([outer = 1, axis = 1, inner = 1]: Sizes): RowView => ({ outer, axis, inner });

/** What the tuner needs of a row op: its plans are lanes times chunks, the latter where the kernel has a second pass. */
export const rowPlanning = (op: string, classes: readonly string[], rule: RowRule = planRows): Planning<RowPlan> => ({
  op,
  sizes: ['outer', 'axis', 'inner'],
  classes,
  rule: (target, sizes) => rule(target, viewOf(sizes)),
  candidates: (target, sizes) => rowCandidates(target, viewOf(sizes), rule === planWhole ? [1] : [1, 4, 16, 64]),
});

/** As `rowPlanning`, for the kernels that only write along rows and share one entry in tables. */
export const rowMapPlanning: Planning<RowPlan> = {
  op: 'rowMap',
  sizes: ['outer', 'axis', 'inner'],
  classes: ['64x256x1', '1024x64x1', '4x16384x1', '16x64x64'],
  rule: (target, sizes) => planRowMap(target, viewOf(sizes)),
  candidates: (target, sizes) => rowCandidates(target, viewOf(sizes), [1, 2, 4, 16, 64, 256]),
};

/** Lanes that all have an element, in chunks that leave a few to each lane, and none more than a CPU may walk over. */
export function rowCandidates({ family }: Target, { axis }: RowView, splits: readonly number[]): RowPlan[] {
  const plans = splits.flatMap((n) => [1, 4, 16, 64, 256].map((lanes) => ({ lanes, splits: n, vec4: true })));
  return plans.filter(({ lanes, splits }) => {
    const run = axis / splits / lanes;
    return (run >= 4 || (splits === 1 && (run >= 1 || lanes === 1))) && (!isSoftware(family) || run <= LONGEST_RUN);
  });
}

/** Overrides of lib/lanes.inc.wgsl for a plan. */
export function lanesOf({ lanes }: RowPlan, inner: number) {
  const COLUMNS = inner > 1;
  return { WG: COLUMNS && lanes > 1 ? 256 : Math.max(lanes, 64), LANES: lanes, COLUMNS };
}

/** Rows of a plan to a workgroup. */
export function rowsPerGroup(plan: RowPlan, inner: number): number {
  const { WG, LANES } = lanesOf(plan, inner);
  return WG / LANES;
}

/** The chunks that a plan really cuts an axis into, none of them empty. */
export function chunksOf(axis: number, splits: number): { readonly chunk: number; readonly splits: number } {
  const chunk = Math.max(1, Math.ceil(axis / splits));
  return { chunk, splits: Math.max(1, Math.ceil(axis / chunk)) };
}

/** The plan for what the chunks of a first pass leave. */
export const secondPass = (plan: RowPlan): RowPlan => ({ ...plan, lanes: Math.min(plan.lanes, 16), splits: 1 });

/** What a kernel that writes along rows is dispatched with. */
export function rowMap(gpu: Gpu, view: RowView, plan: RowPlan = mapPlan(gpu, view)) {
  const { outer, axis, inner } = view;
  const { chunk, splits } = chunksOf(axis, plan.splits);
  const outputs = outer * splits * inner;
  return {
    params: { outputs, axis, inner, splits, chunk },
    groups: grid(axis === 0 ? 0 : outputs, rowsPerGroup(plan, inner)),
    constants: lanesOf(plan, inner),
  };
}

/** The largest power of two that is at most `n`, and at least 1. */
function powerOfTwo(n: number): number {
  return n < 2 ? 1 : 2 ** Math.floor(Math.log2(n));
}
