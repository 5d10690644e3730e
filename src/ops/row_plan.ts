import type { Gpu } from '../runtime/gpu.ts';
import { grid } from '../runtime/kernel.ts';

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

/** The elements before, along and after `axis`. */
export function rowView(shape: readonly number[], axis: number): RowView {
  const product = (from: number, to: number) => shape.slice(from, to).reduce((a, b) => a * b, 1);
  return { outer: product(0, axis), axis: shape[axis] ?? 1, inner: product(axis + 1, shape.length) };
}

/** Whether the adapter computes on the CPU: a few invocations fill it, and a barrier costs as much as a dispatch for every four of them. */
export function isSoftware(gpu: Gpu): boolean {
  const { vendor = '', architecture = '', description = '' } = gpu.info ?? {};
  return /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${vendor} ${architecture} ${description}`);
}

/**
 * One invocation a row where rows are short or many, more lanes for long ones, and chunks where a few long rows would leave the device idle.
 * Measured on SwiftShader (docs/kernels/reductions.md); on GPUs by the usual rules: neighbours read neighbours, some elements a lane.
 */
export function planRows(gpu: Gpu, { outer, axis, inner }: RowView): RowPlan {
  const rows = Math.max(outer * inner, 1);
  if (isSoftware(gpu)) {
    return { lanes: 1, splits: rows < 4 ? Math.max(1, Math.min(Math.floor(axis / 256), 64)) : 1, vec4: true };
  }
  // Contiguous rows want lanes side by side; columns lie side by side already, and take lanes only to fill the device.
  const lanes = Math.min(powerOfTwo(axis / 8), inner === 1 ? 256 : powerOfTwo(65_536 / rows), 256);
  const splits = Math.min(Math.floor(axis / (lanes * 16)), Math.floor(65_536 / (rows * lanes)), 64);
  return { lanes, splits: lanes === 256 ? Math.max(splits, 1) : 1, vec4: true };
}

/**
 * A plan for kernels that only write along rows: chunks of a few elements a lane, enough of them to fill the device. Rows, not elements, are
 * shared out, since what a row has in common (and the divisions that find it) would be found again for each element.
 */
export function planRowMap(gpu: Gpu, { outer, axis, inner }: RowView): RowPlan {
  const rows = Math.max(outer * inner, 1);
  if (isSoftware(gpu))
    return { lanes: 1, splits: Math.max(1, Math.min(Math.floor(axis / 64), Math.floor(256 / rows))), vec4: true };
  const lanes = inner === 1 ? Math.min(powerOfTwo(axis), 64) : 1;
  return { lanes, splits: Math.max(1, Math.ceil(axis / (lanes * 8))), vec4: true };
}

/** Overrides of lib/lanes.inc.wgsl for a plan. */
export function lanesOf({ lanes }: RowPlan, inner: number) {
  return { WG: Math.max(lanes, 64), LANES: lanes, COLUMNS: inner > 1 };
}

/** Rows of a plan to a workgroup. */
export const rowsPerGroup = ({ lanes }: RowPlan): number => Math.max(lanes, 64) / lanes;

/** The chunks that a plan really cuts an axis into: none is empty, and with `multiple` each but the last has a multiple of it. */
export function chunksOf(
  axis: number,
  splits: number,
  multiple = 1,
): { readonly chunk: number; readonly splits: number } {
  const chunk = Math.max(multiple, Math.ceil(axis / splits / multiple) * multiple);
  return { chunk, splits: Math.max(1, Math.ceil(axis / chunk)) };
}

/** What a kernel that writes along rows is dispatched with. */
export function rowMap(gpu: Gpu, view: RowView, plan: RowPlan = planRowMap(gpu, view)) {
  const { outer, axis, inner } = view;
  const { chunk, splits } = chunksOf(axis, plan.splits);
  const outputs = outer * splits * inner;
  return {
    params: { outputs, axis, inner, splits, chunk },
    groups: grid(axis === 0 ? 0 : outputs, rowsPerGroup(plan)),
    constants: lanesOf(plan, inner),
  };
}

/** The largest power of two that is at most `n`, and at least 1. */
function powerOfTwo(n: number): number {
  return n < 2 ? 1 : 2 ** Math.floor(Math.log2(n));
}
