import { record } from '../autograd/tape.ts';
import {
  softmax as rowsKernel,
  softmaxApply,
  softmaxBackward,
  softmaxBackwardApply,
  softmaxBackwardStats,
  softmaxBackwardVec4,
  softmaxStats,
  softmaxVec4,
} from '../generated/kernels.ts';
import { describe, type Shape } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkDType, checkFloat } from './check.ts';
import { softmaxPlain } from './reference/softmax.ts';
import {
  chunksOf,
  lanesOf,
  planShared,
  type RowPlan,
  type RowView,
  rowPlan,
  rowsPerGroup,
  rowView,
} from './row_plan.ts';
import { broadcastStrides, collapse, innermostFirst } from './strides.ts';
import { where } from './where.ts';

export interface SoftmaxOptions {
  /** The axis along which the result sums to 1; default the last. */
  readonly axis?: number;
  /** What x is divided by, > 0: the result is sharper below 1 and more even above; default 1. */
  readonly temperature?: number;
  /** @internal Instead of the planner's choice. */
  readonly plan?: RowPlan;
}

/**
 * Softmax: exp(x_j / t) / sum_k exp(x_k / t) along an axis, t the temperature.
 *
 * Sums are f32. Elements of -inf, or the mask value -3.4e38 (anything below -3.3e38), count as masked and give 0; a row in which all are
 * masked gives zeros and has zero gradients. A NaN or +inf makes its row NaN.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range or the temperature not a finite number > 0; DTypeError for integers and bool
 */
export function softmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongAxis('softmax', x, null, false, options);
}

/**
 * The logarithm of softmax: x_j / t - log(sum_k exp(x_k / t)) along an axis, without the loss of precision of taking it afterwards.
 *
 * As `softmax`; a row in which all are masked gives -inf and has zero gradients.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range or the temperature not a finite number > 0; DTypeError for integers and bool
 */
export function logSoftmax(x: Tensor, options: SoftmaxOptions = {}): Tensor {
  return alongAxis('logSoftmax', x, null, true, options);
}

/**
 * Softmax over those elements of each row where the mask is true: m_j exp(x_j / t) / sum_k m_k exp(x_k / t) along an axis, and 0 elsewhere.
 *
 * What is masked is not used, be it NaN, and gets the gradient 0, whatever comes from above. A row with nothing to attend to gives zeros and has zero
 * gradients. Otherwise as `softmax`.
 *
 * @param x    any shape of rank 1 or more, f32 or f16
 * @param mask bool, true where x counts; a shape that broadcasts to that of `x`
 * @returns a tensor like `x`
 * @throws ShapeError when the mask does not broadcast; ArgumentError when the axis is out of range or the temperature not a finite number > 0;
 *         DTypeError
 */
export function maskedSoftmax(x: Tensor, mask: Tensor, options: SoftmaxOptions = {}): Tensor {
  checkDType('maskedSoftmax', 'mask', mask, 'bool');
  return alongAxis('maskedSoftmax', x, mask, false, options);
}

function alongAxis(op: string, x: Tensor, mask: Tensor | null, LOG: boolean, options: SoftmaxOptions): Tensor {
  checkFloat(op, 'x', x);
  const axis = checkAxis(op, options.axis ?? -1, x);
  const scale = 1 / checkTemperature(op, options.temperature ?? 1);
  const walk = maskWalk(op, x, mask, axis);
  const view = rowView(x.shape, axis);
  const plan = options.plan ?? rowPlan(x.gpu, 'softmax', view, planShared);
  const y = x.gpu.empty(x.shape, x.dtype, op);
  forward(x, y, { view, plan, LOG, scale, mask, walk });
  record({
    op,
    inputs: mask ? [x, mask] : [x],
    outputs: [y],
    saved: [y],
    backward: ([dy], [y]) => {
      const [g, v] = [dy, y] as [Tensor, Tensor];
      const dx = g.gpu.empty(g.shape, g.dtype, op);
      backward(v, g, dx, { view, plan, LOG, scale, mask, walk });
      return mask ? [dx, null] : [dx];
    },
    plain: (x, mask) => softmaxPlain(mask ? where(mask, x, Number.NEGATIVE_INFINITY) : x, axis, LOG, scale),
  });
  return y;
}

/** Throws unless `temperature` is one; returns it. */
export function checkTemperature(op: string, temperature: number): number {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new ArgumentError(op, `temperature must be a finite number > 0, got ${temperature}`);
  return temperature;
}

/** How the kernels find the mask of a row, broadcast to x, and of the elements along it: see shaders/lib/softmax_input.inc.wgsl. */
function maskWalk(op: string, x: Tensor, mask: Tensor | null, axis: number) {
  if (mask && !broadcastsTo(mask.shape, x.shape))
    throw new ShapeError(op, `mask must broadcast to x, got ${describe(mask)} (x: ${describe(x)})`);
  const strides = mask ? broadcastStrides(mask.shape, x.shape) : [];
  const others = (list: readonly number[]) => list.filter((_, i) => i !== axis);
  const rows = mask ? collapse(others(x.shape), [others(strides)]) : { shape: [], strides: [[]] };
  return {
    loops: Math.max(rows.shape.length, 1),
    params: {
      maskStep: strides[axis] ?? 0,
      offset: 0,
      shape: innermostFirst(rows.shape, 1),
      strides: innermostFirst(rows.strides[0] as number[], 0),
    },
  };
}

const broadcastsTo = (shape: Shape, out: Shape): boolean =>
  shape.length <= out.length && shape.every((n, i) => n === 1 || n === out[i + out.length - shape.length]);

/** What the kernels are told of a call. */
interface Task {
  readonly view: RowView;
  readonly plan: RowPlan;
  readonly LOG: boolean;
  readonly scale: number;
  readonly mask: Tensor | null;
  readonly walk: ReturnType<typeof maskWalk>;
}

/** Whether rows can be taken as whole vec4s. */
const fitsVec4 = ({ axis, inner }: RowView, plan: RowPlan): boolean => plan.vec4 && inner === 1 && axis % 4 === 0;

function forward(x: Tensor, y: Tensor, { view, plan, LOG, scale, mask: given, walk }: Task): void {
  const { gpu } = x;
  const { axis, inner } = view;
  const { outputs, ...cut } = cutRows(view, plan);
  const groups = grid(axis === 0 ? 0 : outputs, rowsPerGroup(plan, inner));
  const constants = { ...lanesOf(plan, inner), TEMPERED: scale !== 1, MASK: given !== null, RANK: walk.loops };
  using unread = x.reinterpret('bool', [1]);
  const mask = given ?? unread;
  const input = { scale, ...walk.params };
  if (cut.splits > 1) {
    const params = { outputs, axis, inner, ...cut, ...input };
    using stats = gpu.empty([outputs, 2], 'f32', 'softmax');
    dispatch(gpu, softmaxStats, { x, mask, stats }, params, groups, constants);
    dispatch(gpu, softmaxApply, { x, mask, stats, y }, params, groups, { ...constants, LOG });
  } else {
    const held = { ...constants, LOG, HELD: heldQuads(axis, plan) };
    if (fitsVec4(view, plan))
      dispatch(gpu, softmaxVec4, { x, mask, y }, { rows: outputs, quads: axis / 4, ...input }, groups, held);
    else dispatch(gpu, rowsKernel, { x, mask, y }, { rows: outputs, axis, inner, ...input }, groups, held);
  }
}

function backward(y: Tensor, dy: Tensor, dx: Tensor, { view, plan, LOG, scale, mask }: Task): void {
  const { gpu } = y;
  const { axis, inner } = view;
  const { outputs, ...cut } = cutRows(view, plan);
  const groups = grid(axis === 0 ? 0 : outputs, rowsPerGroup(plan, inner));
  const constants = { ...lanesOf(plan, inner), LOG, MASK: mask !== null };
  if (cut.splits > 1) {
    const params = { outputs, axis, inner, ...cut };
    using sums = gpu.empty([outputs, 2], 'f32', 'softmax');
    dispatch(gpu, softmaxBackwardStats, { y, dy, sums }, params, groups, constants);
    dispatch(gpu, softmaxBackwardApply, { y, dy, sums, dx }, { ...params, scale }, groups, constants);
  } else {
    const held = { ...constants, HELD: heldQuads(axis, plan) };
    if (fitsVec4(view, plan))
      dispatch(gpu, softmaxBackwardVec4, { y, dy, dx }, { rows: outputs, quads: axis / 4, scale }, groups, held);
    else dispatch(gpu, softmaxBackward, { y, dy, dx }, { rows: outputs, axis, inner, scale }, groups, held);
  }
}

/** The chunks of a plan, and how many there are of all rows. */
function cutRows({ outer, axis, inner }: RowView, plan: RowPlan) {
  const { chunk, splits } = chunksOf(axis, plan.splits);
  return { outputs: outer * inner * splits, chunk, splits };
}

/** How many quads of its row a lane holds in registers; 0 where those are too many. */
function heldQuads(axis: number, { lanes }: RowPlan): number {
  const quads = Math.ceil(axis / (4 * lanes));
  return quads <= 4 ? quads : 0;
}
