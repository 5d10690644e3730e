import { describe, type Shape, sizeOf } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxes, checkAxis, checkTensor } from './check.ts';
import { sum, sumTo } from './reduce.ts';
import { readStrided, recordLinear } from './strided.ts';
import { broadcastStrides, contiguousStrides } from './strides.ts';

/**
 * The same elements under another shape, row-major: a view that shares the memory of `x`, without any work on the device.
 *
 * @param x     any shape and dtype
 * @param shape as many elements as `x` has; one of the sizes may be -1 and is then found from the others
 * @throws ShapeError when the numbers of elements differ, or -1 cannot be found
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x);
  return view('reshape', x, resolve(x, shape));
}

/** A view of `x` under a shape of the same size. */
function view(op: string, x: Tensor, shape: Shape): Tensor {
  const { shape: before } = x;
  return recordLinear(op, x, x.reinterpret(x.dtype, shape), (dy) => reshape(dy, before));
}

function resolve(x: Tensor, shape: Shape): Shape {
  const fail = (why: string): never => {
    throw new ShapeError('reshape', `shape ${why}, got [${shape.join(', ')}] for x ${describe(x)}`);
  };
  if (shape.some((n) => !Number.isInteger(n) || n < -1)) fail('must hold whole numbers >= 0 and at most one -1');
  if (shape.length > 8) fail('must have at most 8 dimensions');
  const open = shape.indexOf(-1);
  if (shape.lastIndexOf(-1) !== open) fail('must hold at most one -1');
  if (open < 0) return sizeOf(shape) === x.size ? [...shape] : fail(`must hold ${x.size} elements`);
  const others = -sizeOf(shape);
  if (others === 0) fail('has a -1 that could be anything beside a size of 0');
  const found = x.size / others;
  return Number.isInteger(found)
    ? shape.map((n) => (n === -1 ? found : n))
    : fail(`does not divide ${x.size} elements`);
}

/**
 * `x` with a new axis of size 1 before `axis` (counted in the result, negative from its end), as a view.
 *
 * @param x    any shape of rank up to 7, any dtype
 * @param axis in [-rank - 1, rank]
 */
export function expandDims(x: Tensor, axis: number): Tensor {
  checkTensor('expandDims', 'x', x);
  const { rank } = x;
  if (!Number.isInteger(axis) || axis < -rank - 1 || axis > rank) {
    throw new ArgumentError('expandDims', `axis must be in [${-rank - 1}, ${rank}], got ${axis} (x: ${describe(x)})`);
  }
  if (rank === 8) throw new ShapeError('expandDims', `x must have at most 7 dimensions, got ${describe(x)}`);
  return view('expandDims', x, x.shape.toSpliced(axis < 0 ? axis + rank + 1 : axis, 0, 1));
}

/**
 * `x` without axes of size 1, as a view.
 *
 * @param x    any shape and dtype
 * @param axis the axis or axes to drop; default all of size 1
 * @throws ShapeError when an axis named is not of size 1
 */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  const axes = checkAxes('squeeze', axis, x).filter((a) => axis !== undefined || x.shape[a] === 1);
  const wide = axes.find((a) => x.shape[a] !== 1);
  if (wide !== undefined)
    throw new ShapeError(
      'squeeze',
      `axis must name axes of size 1, axis ${wide} has ${x.shape[wide]} (x: ${describe(x)})`,
    );
  return view(
    'squeeze',
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
}

/**
 * `x` with its axes in another order: `y[c[order[0]], c[order[1]], ...] = x[c[0], c[1], ...]`, so that `y.shape[i] = x.shape[order[i]]`.
 *
 * @param x     any shape and dtype
 * @param order each axis once, negative from the end
 * @returns a copy; a view where only axes of size 1 move
 * @throws ArgumentError when `order` is not a permutation of the axes
 */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  return permuted('permute', x, order);
}

function permuted(op: string, x: Tensor, order: readonly number[]): Tensor {
  checkTensor(op, 'x', x);
  const axes = order.map((a) => checkAxis(op, a, x, 'order'));
  if (axes.length !== x.rank || new Set(axes).size !== x.rank) {
    throw new ArgumentError(
      op,
      `order must name each of ${x.rank} axes once, got [${order.join(', ')}] (x: ${describe(x)})`,
    );
  }
  const strides = contiguousStrides(x.shape);
  const pick = (values: readonly number[]) => axes.map((a) => values[a] as number);
  const y = readStrided(op, x, { shape: pick(x.shape), strides: pick(strides) });
  return recordLinear(op, x, y, (dy) =>
    permuted(
      op,
      dy,
      axes.map((_, i) => axes.indexOf(i)),
    ),
  );
}

/**
 * `x` with two axes exchanged, by default the last two, as of a matrix or a batch of them.
 *
 * @param x     rank 2 or more, any dtype
 * @param axis0 default -2
 * @param axis1 default -1
 */
export function transpose(x: Tensor, axis0 = -2, axis1 = -1): Tensor {
  const [a, b] = [checkAxis('transpose', axis0, x, 'axis0'), checkAxis('transpose', axis1, x, 'axis1')];
  return permuted(
    'transpose',
    x,
    x.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
}

/**
 * `x` repeated to `shape` by NumPy's rule: aligned at the last axis, each size equal or 1. The gradient is summed over what was repeated.
 *
 * @param x     any shape and dtype
 * @param shape what `x` broadcasts to
 * @returns a copy, or a view where nothing is repeated
 * @throws ShapeError when `x` does not broadcast to `shape`
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', 'x', x);
  const lead = shape.length - x.rank;
  if (lead < 0 || x.shape.some((n, i) => n !== 1 && n !== shape[i + lead])) {
    throw new ShapeError('broadcastTo', `x must broadcast to [${shape.join(', ')}], got ${describe(x)}`);
  }
  const { shape: before } = x;
  const y = readStrided('broadcastTo', x, { shape, strides: broadcastStrides(x.shape, shape) });
  return recordLinear('broadcastTo', x, y, (dy) => sumTo(dy, before));
}

/**
 * `x` in reverse order along axes.
 *
 * @param x    any shape and dtype
 * @param axis an axis or several; default all
 */
export function flip(x: Tensor, axis?: number | readonly number[]): Tensor {
  const axes = checkAxes('flip', axis, x);
  const own = contiguousStrides(x.shape);
  // An axis of size 1 keeps its stride, so that a flip of nothing but such is a view.
  const turned = axes.filter((a) => (x.shape[a] as number) > 1);
  const strides = own.map((s, i) => (turned.includes(i) ? -s : s));
  const offset = turned.reduce((sum, a) => sum + (own[a] as number) * ((x.shape[a] as number) - 1), 0);
  const y = readStrided('flip', x, { shape: x.shape, strides, offset });
  return recordLinear('flip', x, y, (dy) => flip(dy, axes));
}

/**
 * `x` repeated whole along each axis, as NumPy's `tile`: `y[c] = x[c mod x.shape]`. The gradient is summed over the repetitions.
 *
 * @param x    any shape and dtype
 * @param reps how often along each axis, whole numbers >= 0; the shorter of `reps` and the shape is filled up with 1 in front
 * @returns shape `x.shape * reps`
 */
export function tile(x: Tensor, reps: readonly number[]): Tensor {
  checkTensor('tile', 'x', x);
  if (reps.some((r) => !Number.isInteger(r) || r < 0))
    throw new ArgumentError('tile', `reps must be whole numbers >= 0, got [${reps.join(', ')}]`);
  if (reps.length > 8) throw new ArgumentError('tile', `reps must name at most 8 axes, got [${reps.join(', ')}]`);
  const rank = Math.max(x.rank, reps.length);
  const shape = [...Array.from({ length: rank - x.rank }, () => 1), ...x.shape];
  const times = [...Array.from({ length: rank - reps.length }, () => 1), ...reps];
  if (shape.length !== x.rank) return tile(reshape(x, shape), times);
  const tiled = times.flatMap((r, i) => (r === 1 ? [] : [i]));
  if (tiled.length > 3) {
    // Each axis repeated needs two of the eight that a kernel can walk.
    const first = times.map((r, i) => (tiled.indexOf(i) < 3 ? r : 1));
    return tile(
      tile(x, first),
      times.map((r, i) => (first[i] === r ? 1 : r)),
    );
  }
  return tileUpTo3(x, times);
}

function tileUpTo3(x: Tensor, times: readonly number[]): Tensor {
  const own = contiguousStrides(x.shape);
  // A repeated axis becomes two: the repetition, which moves nowhere, and the axis itself. The others join their neighbours.
  const apart = x.shape.flatMap((n, i) =>
    times[i] === 1
      ? [{ n, s: own[i] as number }]
      : [
          { n: times[i] as number, s: 0 },
          { n, s: own[i] as number },
        ],
  );
  const { shape } = x;
  const reading = { shape: apart.map((a) => a.n), strides: apart.map((a) => a.s) };
  const y = readStrided(
    'tile',
    x,
    reading,
    shape.map((n, i) => n * (times[i] as number)),
  );
  return recordLinear('tile', x, y, (dy) => {
    const { sizes, repeated } = folded(shape, times);
    return repeated.length === 0 ? dy : reshape(sum(reshape(dy, sizes), { axis: repeated }), shape);
  });
}

/** The shape of a tiled array with the repetitions as axes of their own, and which these are. */
function folded(shape: Shape, times: readonly number[]): { sizes: number[]; repeated: number[] } {
  const sizes: number[] = [];
  const repeated: number[] = [];
  shape.forEach((n, i) => {
    if (times[i] !== 1) {
      repeated.push(sizes.length);
      sizes.push(times[i] as number, n);
    } else {
      sizes.push((sizes.pop() ?? 1) * n);
    }
  });
  return { sizes, repeated };
}
