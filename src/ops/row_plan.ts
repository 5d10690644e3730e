import type { Gpu } from '../runtime/gpu.ts';

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
  /** Workgroups among which a row is cut; more than one takes a second pass. */
  readonly splits: number;
}

export const WG = 256;

/** The elements along `axis` before, in and after it. */
export function rowView(shape: readonly number[], axis: number): RowView {
  const product = (from: number, to: number) => shape.slice(from, to).reduce((a, b) => a * b, 1);
  return { outer: product(0, axis), axis: shape[axis] ?? 1, inner: product(axis + 1, shape.length) };
}

/** Whether the adapter computes on the CPU, where barriers are dear and a few invocations are parallel enough. */
export function isSoftware(gpu: Gpu): boolean {
  const { vendor = '', architecture = '', description = '' } = gpu.info ?? {};
  return /swiftshader|llvmpipe|lavapipe|warp/i.test(`${vendor} ${architecture} ${description}`);
}

/** Short rows go to one invocation each, longer ones to more lanes, and a few very long ones are cut among workgroups. */
export function planRows(gpu: Gpu, { outer, axis, inner }: RowView): RowPlan {
  const rows = outer * inner;
  // Invocations that fill the device, and the fewest elements worth a lane.
  const [wanted, least] = isSoftware(gpu) ? [64, 64] : [65_536, 4];
  const lanes = Math.min(powerOfTwo(wanted / Math.max(rows, 1)), powerOfTwo(axis / least), WG);
  const spread = Math.floor(wanted / Math.max(rows * lanes, 1));
  const splits = lanes === WG ? Math.max(1, Math.min(spread, Math.floor(axis / (WG * 16)), 256)) : 1;
  return { lanes, splits };
}

/** The largest power of two that is at most `n`, and at least 1. */
function powerOfTwo(n: number): number {
  return n < 2 ? 1 : 2 ** Math.floor(Math.log2(n));
}
