import { pack as packKernel } from '../generated/kernels.ts';
import { type Planning, planFor } from '../ops/plans.ts';
import { type Family, isSoftware } from '../runtime/adapter.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { ALIGNMENT } from '../runtime/memory.ts';
import type { Tensor } from '../tensor.ts';

/** Elements between the places where a tensor of a flat storage may begin. */
const STEP = ALIGNMENT / 4;
/** Tensors a dispatch can read. */
const SOURCES = 7;

/** How pack.wgsl and tick.wgsl share out their work: invocations in a workgroup, vec4s an invocation, and whether a workgroup adds up its sums. */
export interface PackPlan {
  readonly WG: number;
  readonly PER: number;
  readonly REDUCE: boolean;
}

/** The plan for tensors of these sizes. */
export const planPack = (gpu: Gpu, sizes: readonly number[]): PackPlan =>
  planFor(gpu, 'pack', [sizes.reduce((a, b) => a + b, 0)], () => rule(gpu.family));

const rule = (family: Family): PackPlan =>
  isSoftware(family) ? { WG: 64, PER: 8, REDUCE: false } : { WG: 256, PER: 4, REDUCE: true };

/** What the tuner needs of the optimisers' and `clipGradNorm`'s way to flat storages. */
export const packPlanning: Planning<PackPlan> = {
  op: 'pack',
  sizes: ['elements'],
  classes: ['16384', '1048576'],
  rule: ({ family }) => rule(family),
  candidates: () =>
    [64, 256].flatMap((WG) => [1, 4, 8, 16].flatMap((PER) => [false, true].map((REDUCE) => ({ WG, PER, REDUCE })))),
};

/** One dispatch of pack.wgsl: the parameters it takes, and which tensors. */
interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly base: number;
  readonly count: number;
  readonly groups: number;
  readonly sums_at: number;
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
}

/** Where tensors of given sizes lie in one flat f32 storage, behind which there may be partial sums of squares. */
export class Layout {
  /** In elements. */
  readonly offsets: readonly number[];
  /** All elements, gaps included; a multiple of 64. */
  readonly total: number;
  /** How many partial sums `pack` leaves, each in a vec4, from element `total` on. */
  readonly sums: number;
  readonly plan: PackPlan;
  readonly #chunks: readonly Chunk[];

  constructor(sizes: readonly number[], plan: PackPlan) {
    this.plan = plan;
    const offsets: number[] = [];
    let end = 0;
    for (const size of sizes) {
      offsets.push(end);
      end += Math.max(1, Math.ceil(size / STEP)) * STEP; // room even for an empty one: its binding needs it
    }
    this.offsets = offsets;
    this.total = end;
    const chunks: Chunk[] = [];
    let sums = 0;
    for (let from = 0; from < sizes.length; from += SOURCES) {
      const to = Math.min(from + SOURCES, sizes.length);
      const base = (offsets[from] as number) / 4;
      const count = (offsets[to] ?? end) / 4 - base;
      const at = (n: number) => (from + n < to ? (offsets[from + n] as number) / 4 - base : count);
      const groups = Math.ceil(count / (plan.WG * plan.PER));
      chunks.push({
        from,
        to,
        base,
        count,
        groups,
        sums_at: end / 4 + sums,
        starts: Array.from({ length: 8 }, (_, n) => at(n)),
        sizes: Array.from({ length: 8 }, (_, n) => (from + n < to ? (sizes[from + n] as number) : 0)),
      });
      sums += groups * (plan.REDUCE ? 1 : plan.WG);
    }
    this.sums = sums;
    this.#chunks = chunks;
  }

  /**
   * Copies the tensors into `flat` and zeros into the gaps.
   *
   * @param flat    f32[total], or with `squares` f32[total + 4 sums]
   * @param squares whether to leave the partial sums of squares
   */
  pack(tensors: readonly Tensor[], flat: Tensor, squares: boolean): void {
    const { WG, REDUCE } = this.plan;
    for (const { from, to, ...params } of this.#chunks) {
      const x0 = tensors[from] as Tensor;
      const at = (n: number) => (from + n < to ? (tensors[from + n] as Tensor) : x0);
      const buffers = { x0, x1: at(1), x2: at(2), x3: at(3), x4: at(4), x5: at(5), x6: at(6), flat };
      dispatch(flat.gpu, packKernel, buffers, params, grid(params.groups), { WG, REDUCE, SQUARES: squares });
    }
  }
}
