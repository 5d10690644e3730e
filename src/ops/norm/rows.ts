import { record } from '../../autograd/tape.ts';
import {
  layerNormBackward,
  layerNormBackwardVec4,
  layerNorm as layerNormKernel,
  layerNormVec4,
} from '../../generated/kernels.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { lanesOf, planWhole, type RowPlan, rowPlan, rowsPerGroup } from '../row_plan.ts';

/** Rows side by side, each normalised for itself, and where their elements find their weight. */
export interface Rows {
  readonly cols: number;
  readonly eps: number;
  /** Whether by the root of the mean square, the mean left in. */
  readonly rms: boolean;
  /** Rows that are groups of whole channels: how many groups an image has, how many channels, and of how many elements; null for a weight per column. */
  readonly channels: { readonly groups: number; readonly count: number; readonly inner: number } | null;
}

export interface Affine {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
}

/** The gradients of weight and bias, given x, the statistics of its rows and dy. */
export type AffineGradients = (
  x: Tensor,
  stats: Tensor,
  dy: Tensor,
) => { readonly dweight: Tensor; readonly dbias: Tensor };

/** What differs between the normalisations of rows. */
export interface RowNorm {
  readonly op: string;
  readonly rows: Rows;
  readonly affine: Affine;
  readonly plan: RowPlan | undefined;
  readonly gradients: AffineGradients;
  readonly plain: (x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined) => Tensor;
}

/** Normalises the rows of `x`: one dispatch, and one for dx. */
export function normalizeRows(x: Tensor, { op, rows, affine, gradients, plain, ...options }: RowNorm): Tensor {
  const { gpu, dtype } = x;
  const { weight, bias } = affine;
  const count = rows.cols === 0 ? 0 : x.size / rows.cols;
  const plan = options.plan ?? rowPlan(gpu, 'layerNorm', { outer: count, axis: rows.cols, inner: 1 }, planWhole);
  const y = gpu.empty(x.shape, dtype, op);
  using stats = gpu.empty([count, 2], 'f32', op);
  forward(x, affine, y, stats, rows, plan);
  const given = [weight, bias].filter((t) => t !== null);
  record({
    op,
    inputs: [x, ...given],
    outputs: [y],
    saved: weight ? [x, stats, weight] : [x, stats],
    backward: ([dy], [x, stats, weight], [needsX, ...needsGiven]) => {
      const [g, v, s] = [dy, x, stats] as [Tensor, Tensor, Tensor];
      const dx = needsX ? backward(op, v, weight, s, g, rows, plan) : null;
      if (!needsGiven.includes(true)) return [dx];
      const { dweight, dbias } = gradients(v, s, g);
      return [dx, ...(weight ? [dweight] : []), ...(bias ? [dbias] : [])];
    },
    plain: (x, ...given) => plain(x, weight ? given[0] : undefined, bias ? given.at(-1) : undefined),
  });
  return y;
}

/** What both kernels are dispatched with, in elements or, where all comes out even, in fours of them. */
function shares({ cols, channels, rms }: Rows, rows: number, plan: RowPlan, WEIGHT: boolean) {
  const { groups, count, inner } = channels ?? { groups: 1, count: 0, inner: 4 };
  const fours = plan.vec4 && cols % 4 === 0 && inner % 4 === 0 && count % 4 === 0;
  const unit = fours ? 4 : 1;
  return {
    fours,
    params: { rows, groups, inner: inner / unit },
    groups: grid(rows, rowsPerGroup(plan, 1)),
    constants: { ...lanesOf(plan, 1), WEIGHT, RMS: rms, CHANNELS: channels !== null },
  };
}

function forward(x: Tensor, { weight, bias }: Affine, y: Tensor, stats: Tensor, rows: Rows, plan: RowPlan): void {
  const { fours, params, groups, ...share } = shares(rows, stats.shape[0] as number, plan, weight !== null);
  const { cols, eps } = rows;
  const buffers = { x, weight: weight ?? x, bias: bias ?? x, y, stats };
  const constants = { ...share.constants, BIAS: bias !== null };
  if (fours) dispatch(x.gpu, layerNormVec4, buffers, { ...params, quads: cols / 4, eps }, groups, constants);
  else dispatch(x.gpu, layerNormKernel, buffers, { ...params, cols, eps }, groups, constants);
}

function backward(
  op: string,
  x: Tensor,
  weight: Tensor | undefined,
  stats: Tensor,
  dy: Tensor,
  rows: Rows,
  plan: RowPlan,
): Tensor {
  const { fours, params, groups, constants } = shares(rows, stats.shape[0] as number, plan, weight !== undefined);
  const { cols } = rows;
  const dx = x.gpu.empty(x.shape, x.dtype, op);
  const buffers = { x, weight: weight ?? x, stats, dy, dx };
  if (fours) dispatch(x.gpu, layerNormBackwardVec4, buffers, { ...params, quads: cols / 4 }, groups, constants);
  else dispatch(x.gpu, layerNormBackward, buffers, { ...params, cols }, groups, constants);
  return dx;
}
