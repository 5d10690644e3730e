import { record } from '../autograd/tape.ts';
import { scatterWalk, scatterWalkVec4 } from '../generated/kernels.ts';
import type { Shape } from '../host.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { type Around, around, gather, type Strides, takeAlong } from './gather.ts';
import { fourfold } from './strided.ts';

/** The transpose of `gather`: an array of `shape` in which each place along `axis` holds the sum of the slices of `dy` with its number. */
export function scatterRows(op: string, dy: Tensor, indices: Tensor, shape: Shape, axis: number): Tensor {
  const y = walk(op, dy, indices, shape, { ...around(shape, axis), count: indices.size }, { outerStride: 0, axisStride: 1, innerStride: 0 });
  record({
    op,
    inputs: [dy, indices],
    outputs: [y],
    saved: [indices],
    backward: ([g], [indices]) => [gather(g as Tensor, indices as Tensor, { axis }), null],
    plain: 'composed',
  });
  return y;
}

/** The transpose of `takeAlong` for indices that are as large as `shape` but on `axis`. */
export function scatterAlong(op: string, dy: Tensor, indices: Tensor, shape: Shape, axis: number): Tensor {
  const dims = around(shape, axis);
  const count = indices.shape[axis] as number;
  const y = walk(op, dy, indices, shape, { ...dims, count }, { outerStride: count * dims.inner, axisStride: dims.inner, innerStride: 1 });
  record({
    op,
    inputs: [dy, indices],
    outputs: [y],
    saved: [indices],
    backward: ([g], [indices]) => [takeAlong(g as Tensor, indices as Tensor, { axis }), null],
    plain: 'composed',
  });
  return y;
}

/** One run of scatter_walk.wgsl. */
function walk(op: string, dy: Tensor, indices: Tensor, shape: Shape, { outer, length, inner, count }: Around & { count: number }, strides: Strides): Tensor {
  const y = dy.gpu.empty(shape, dy.dtype, op);
  const fours = strides.innerStride === 0 && fourfold(inner);
  const unit = fours ? 4 : 1;
  const size = (outer * length * inner) / unit;
  const params = { size, length, count, inner: inner / unit, ...strides };
  const constants = { SIGNED: indices.dtype === 'i32', INTEGER: dy.dtype === 'i32' || dy.dtype === 'u32' };
  dispatch(dy.gpu, fours ? scatterWalkVec4 : scatterWalk, { dy, indices, base: dy, y }, params, grid(size, 256), constants);
  return y;
}
