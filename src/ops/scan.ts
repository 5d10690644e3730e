import { scanColumns, scanRows, scanTotals } from '../generated/kernels.ts';
import { type DType, sizeOf } from '../host.ts';
import { type Family, isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkDType } from './check.ts';
import { type Planning, planFor } from './plans.ts';
import { LONGEST_RUN, type RowView, rowView, viewOf } from './row_plan.ts';
import { recordLinear } from './strided.ts';

export interface CumsumOptions {
  /** Default -1. */
  readonly axis?: number;
  /** Without the element itself: the first sum is 0; default false. */
  readonly exclusive?: boolean;
  /** From the end to the beginning; default false. */
  readonly reverse?: boolean;
  /** @internal Instead of the planner's choice. */
  readonly plan?: ScanPlan;
}

/** How a scan shares out its work: chunks of an axis, each to one invocation or (`rows`, where inner is 1) to one workgroup. */
export interface ScanPlan {
  readonly by: 'columns' | 'rows';
  readonly chunk: number;
}

/**
 * Running sums along an axis: `y[j] = sum of x[k] over k <= j`, `k < j` when exclusive, from the other end when reverse. The gradient is the
 * running sum in the other direction.
 *
 * @param x rank 1 or more; f32, f16 (summed in f32), i32 or u32 (which wrap around)
 * @returns the shape of `x`
 */
export function cumsum(x: Tensor, options: CumsumOptions = {}): Tensor {
  checkDType('cumsum', 'x', x, 'f32', 'f16', 'i32', 'u32');
  const axis = checkAxis('cumsum', options.axis ?? -1, x);
  const { exclusive = false, reverse = false } = options;
  const view = rowView(x.shape, axis);
  const y = x.gpu.empty(x.shape, x.dtype, 'cumsum');
  if (x.size > 0) scope(() => scan(x, y, view, exclusive, reverse, options.plan ?? planScan(x.gpu, view)));
  return recordLinear('cumsum', x, y, (dy) => cumsum(dy, { ...options, axis, exclusive, reverse: !reverse }));
}

const planScan = (gpu: Gpu, view: RowView): ScanPlan =>
  planFor(gpu, 'scan', [view.outer, view.axis, view.inner], () => rule(gpu.family, view));

/** Chunks that fill the device, but no shorter than what is worth the second reading. */
function rule(family: Family, { outer, axis, inner }: RowView): ScanPlan {
  const software = isSoftware(family);
  const by = inner === 1 && !software ? 'rows' : 'columns';
  const [wanted, least] = by === 'rows' ? [512, 4096] : software ? [16, 1024] : [65_536, 64];
  const chunks = Math.max(
    Math.min(Math.floor(wanted / (outer * inner)), Math.floor(axis / least)),
    software ? Math.ceil(axis / LONGEST_RUN) : 1,
    1,
  );
  return { by, chunk: Math.ceil(axis / chunks) };
}

/** What the tuner needs of `cumsum`. */
export const scanPlanning: Planning<ScanPlan> = {
  op: 'scan',
  sizes: ['outer', 'axis', 'inner'],
  classes: ['1x65536x1', '64x1024x1', '4x1024x64'],
  rule: ({ family }, sizes) => rule(family, viewOf(sizes)),
  candidates: ({ family }, sizes) => {
    const { axis, inner } = viewOf(sizes);
    const chunks = [1, 4, 16, 64, 256]
      .map((n) => Math.ceil(axis / n))
      .filter((chunk) => (chunk === axis || chunk >= 32) && (!isSoftware(family) || chunk <= LONGEST_RUN));
    const ways = inner === 1 ? (['columns', 'rows'] as const) : (['columns'] as const);
    return ways.flatMap((by) => chunks.map((chunk) => ({ by, chunk })));
  },
};

const accumulator = (dtype: DType): DType => (dtype === 'f16' ? 'f32' : dtype);

/** y = the running sums of x. In two levels where an axis is cut into chunks, which begin with the running sums of their totals. */
function scan(
  x: Tensor,
  y: Tensor,
  { outer, axis: n, inner }: RowView,
  EXCLUSIVE: boolean,
  REVERSE: boolean,
  { by, chunk }: ScanPlan,
): void {
  const { gpu, dtype } = x;
  const chunks = Math.ceil(n / chunk);
  const shape = [outer, chunks, inner];
  const columns = sizeOf(shape);
  const Acc = accumulator(dtype);
  const CARRY = chunks > 1;
  let carry = CARRY || dtype === Acc ? x : gpu.empty([1], Acc, 'cumsum');
  if (CARRY) {
    const totals = gpu.empty(shape, Acc, 'cumsum');
    const LANES = by === 'rows' ? 256 : 1;
    dispatch(gpu, scanTotals, { x, totals }, { columns, n, inner, chunk, chunks }, grid(columns, 256 / LANES), {
      LANES,
      REVERSE,
    });
    carry = gpu.empty(shape, Acc, 'cumsum');
    const view = { outer, axis: chunks, inner };
    scan(totals, carry, view, true, false, planScan(gpu, view));
  }
  const constants = { EXCLUSIVE, REVERSE, CARRY };
  if (by === 'rows') dispatch(gpu, scanRows, { x, carry, y }, { columns, n, chunk, chunks }, grid(columns), constants);
  else dispatch(gpu, scanColumns, { x, carry, y }, { columns, n, inner, chunk, chunks }, grid(columns, 64), constants);
}
