import {
  channelAffine,
  channelAffineVec4,
  channelMoments,
  channelMomentsVec4,
  channelSums,
  channelSumsVec4,
  layerNormWeightsMerge,
} from '../../generated/kernels.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { chunksOf, lanesOf, planRowMap, type RowPlan, type RowView, rowPlan, rowsPerGroup } from '../row_plan.ts';
import type { AffineGradients } from './rows.ts';

/** Data seen as [outer, channels, inner]. */
export interface ChannelView {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** How many elements a channel has. */
export const countOf = ({ outer, inner }: ChannelView): number => outer * inner;

/** Channels as rows: those of single elements lie side by side as columns, and so do their invocations. */
function rowsOf(view: ChannelView): RowView {
  const { channels, inner } = view;
  const axis = countOf(view);
  return inner === 1 ? { outer: 1, axis, inner: channels } : { outer: channels, axis, inner: 1 };
}

/** The plan for sums over channels. */
export const channelPlan = (gpu: Gpu, view: ChannelView): RowPlan => rowPlan(gpu, 'channels', rowsOf(view));

/** What the kernels over channels are dispatched with, in elements or in fours of them; `chunk` is one's elements. */
function shares(view: ChannelView, plan: RowPlan) {
  const { channels, inner } = view;
  const count = countOf(view);
  const fours = plan.vec4 && inner % 4 === 0 && count > 0;
  const unit = fours ? 4 : 1;
  const { chunk, splits } = chunksOf(count / unit, plan.splits);
  const across = inner === 1 ? channels : 1;
  const outputs = splits * channels;
  return {
    fours,
    chunks: splits,
    chunk: chunk * unit,
    params: { channels, inner: inner / unit, count: count / unit, chunk, outputs },
    groups: grid(outputs, rowsPerGroup(plan, across)),
    constants: lanesOf(plan, across),
  };
}

/** The mean of each chunk of a channel and the sum of the squared differences from it. */
export function momentsOf(op: string, x: Tensor, view: ChannelView, plan: RowPlan) {
  const { fours, params, groups, constants, chunks, chunk } = shares(view, plan);
  const moments = x.gpu.empty([params.outputs, 2], 'f32', op);
  dispatch(x.gpu, fours ? channelMomentsVec4 : channelMoments, { x, moments }, params, groups, constants);
  return { moments, chunks, chunk };
}

/** The sums of dy h and of dy over each chunk of a channel; `groups` of them have statistics in each image, or 0 for one a channel in all of them. */
export function sumsOf(
  op: string,
  x: Tensor,
  dy: Tensor,
  stats: Tensor,
  view: ChannelView,
  plan: RowPlan,
  groups: number,
) {
  const { fours, params, groups: workgroups, chunks, ...share } = shares(view, plan);
  const sums = x.gpu.empty([params.outputs, 2], 'f32', op);
  const constants = { ...share.constants, GROUPED: groups > 0 };
  const kernel = fours ? channelSumsVec4 : channelSums;
  dispatch(x.gpu, kernel, { x, dy, stats, sums }, { ...params, groups }, workgroups, constants);
  return { sums, chunks };
}

/** (x - mean) scale + shift, and dy factor where there is a dy, with the coefficients of each channel. */
export function affineOf(
  op: string,
  x: Tensor,
  dy: Tensor | null,
  coefficients: Tensor,
  view: ChannelView,
  plan: RowPlan = planRowMap(x.gpu, rowsOf(view)),
): Tensor {
  const y = x.gpu.empty(x.shape, x.dtype, op);
  const { fours, params, groups, constants } = shares(view, plan);
  const kernel = fours ? channelAffineVec4 : channelAffine;
  const buffers = { x, dy: dy ?? x, coefficients, y };
  dispatch(x.gpu, kernel, buffers, params, groups, { ...constants, GRADIENT: dy !== null });
  return y;
}

/** The gradients of a weight and a bias per channel, where groups of channels were normalised in each image. */
export const channelGradients =
  (op: string, view: ChannelView, groups: number, given?: RowPlan): AffineGradients =>
  (x, stats, dy) => {
    const { gpu, dtype } = x;
    const { channels } = view;
    const plan = given ?? channelPlan(gpu, view);
    const [dweight, dbias] = [gpu.empty([channels], dtype, op), gpu.empty([channels], dtype, op)];
    const { sums, chunks } = sumsOf(op, x, dy, stats, view, plan, groups);
    const buffers = { partials: sums, dweight, dbias };
    dispatch(gpu, layerNormWeightsMerge, buffers, { chunks, cols: channels }, grid(channels, 64));
    return { dweight, dbias };
  };
