import { record, recording } from '../../autograd/tape.ts';
import { poolBackward, pool as poolKernel } from '../../generated/kernels.ts';
import type { Shape } from '../../host.ts';
import { isSoftware } from '../../runtime/adapter.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { pow } from '../binary.ts';
import { takeAlong } from '../gather.ts';
import { reshape } from '../shape.ts';
import { abs } from '../unary.ts';
import type { Three } from '../windows.ts';
import type { Geometry } from './geometry.ts';

const WG = 64;

/** What an average divides by: the elements of a window in the input, those in the padding as well, or a number. */
export interface Divisor {
  readonly countPad: boolean;
  readonly divisor: number;
}

const NO_DIVISOR: Divisor = { countPad: false, divisor: 0 };

/** @param sizes of what the invocations compute, four each: along W, or where there is one along the inner dimension */
function launch(
  { outer, inner, x, y, kernel, stride, dilation, before, after, adaptive }: Geometry,
  sizes: Three,
  { countPad, divisor }: Divisor,
  p: number,
) {
  const INNER = inner > 1;
  const blocks = Math.ceil((INNER ? inner : sizes[2]) / 4);
  const count = outer * sizes[0] * sizes[1] * (INNER ? sizes[2] : 1) * blocks;
  const four = (n: readonly number[]) => [...n, 0];
  const params = {
    outer,
    inner,
    divisor,
    p,
    x: four(x),
    y: four(y),
    kernel: four(kernel),
    stride: four(stride),
    dilation: four(dilation),
    pad: four(before),
    padded: four(x.map((n, i) => n + (before[i] as number) + (after[i] as number))),
    cells: y[0] * y[1] * y[2],
    taps: kernel[0] * kernel[1] * kernel[2],
    blocks,
  };
  const reach = (i: number) =>
    ((y[i] as number) - 1) * (stride[i] as number) + (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
  const constants = {
    ...{ WG, INNER, DEEP: x[0] > 1 || y[0] > 1 || kernel[0] > 1, ADAPTIVE: adaptive, COUNT_PAD: countPad },
    PADDED: x.some((n, i) => (before[i] as number) > 0 || reach(i) > n),
    DILATED: dilation.some((n) => n > 1),
  };
  return { params, groups: grid(count, WG), constants };
}

type Op = keyof typeof poolKernel.ops;

function forward(op: Op, x: Tensor, g: Geometry, divisor: Divisor, p: number, indices: Tensor | null): Tensor {
  const { gpu, dtype } = x;
  const y = gpu.empty(g.shape, dtype, 'pool');
  const { params, groups, constants } = launch(g, g.y, divisor, p);
  const [height, width] = [g.kernel[1], g.kernel[2]];
  const step = g.stride[2] / g.dilation[2];
  const apart = !isSoftware(gpu.family);
  const isShort = (n: number) => op !== 'LP' && !g.adaptive && (n === 2 || n === 3);
  const specialised = {
    ...{ ...constants, OP: poolKernel.ops[op], INDICES: indices !== null, APART: apart },
    ROWS: isShort(width) && isShort(height) ? height : 0,
    TAPS: isShort(width) ? width : 0,
    STEP: isShort(width) && !constants.INNER && !apart && (step === 1 || step === 2) ? step : 0,
  };
  using none = indices ? null : gpu.empty([1], 'i32', 'pool');
  const buffers = { x, y, indices: indices ?? (none as Tensor) };
  dispatch(gpu, poolKernel, buffers, params, groups, specialised);
  return y;
}

interface Kept {
  readonly indices?: Tensor;
  readonly x?: Tensor;
  readonly y?: Tensor;
}

function backward(op: Op, dy: Tensor, shape: Shape, g: Geometry, divisor: Divisor, p: number, kept: Kept): Tensor {
  const { gpu, dtype } = dy;
  const dx = gpu.empty(shape, dtype, 'pool');
  const { x = dy, y = dy, indices = dy.reinterpret('i32', [1]) } = kept;
  const { params, groups, constants } = launch(g, g.x, divisor, p);
  dispatch(gpu, poolBackward, { dy, indices, x, y, dx }, params, groups, { ...constants, OP: poolKernel.ops[op] });
  return dx;
}

/** The largest of each window, and its index in its plane, i32, where that is wanted or a gradient may be. */
export function maxOver(op: string, x: Tensor, g: Geometry, wanted: boolean): { y: Tensor; indices: Tensor | null } {
  if (!wanted && !recording()) return { y: forward('MAX', x, g, NO_DIVISOR, 1, null), indices: null };
  const indices = x.gpu.empty(g.shape, 'i32', op);
  const y = forward('MAX', x, g, NO_DIVISOR, 1, indices);
  const { shape } = x;
  record({
    op,
    inputs: [x, indices],
    outputs: [y],
    saved: [indices],
    backward: ([dy], [indices]) => [
      backward('MAX', dy as Tensor, shape, g, NO_DIVISOR, 1, { indices: indices as Tensor }),
      null,
    ],
    // The chosen elements, taken by their indices.
    plain: (x, indices) => chosen(x as Tensor, indices as Tensor, g),
  });
  return { y, indices };
}

/** The elements of x at `indices`, [outer, D' H' W', inner] of a plane each. */
export function chosen(x: Tensor, indices: Tensor, g: Geometry): Tensor {
  const plane = g.x[0] * g.x[1] * g.x[2];
  const flat = reshape(x, [g.outer, plane, g.inner]);
  return reshape(takeAlong(flat, reshape(indices, [g.outer, g.y[0] * g.y[1] * g.y[2], g.inner]), { axis: 1 }), g.shape);
}

/** The mean of each window. */
export function averageOver(op: string, x: Tensor, g: Geometry, divisor: Divisor): Tensor {
  const y = forward('AVERAGE', x, g, divisor, 1, null);
  const { shape } = x;
  record({
    op,
    inputs: [x],
    outputs: [y],
    backward: ([dy]) => [spread(op, dy as Tensor, shape, g, divisor)],
    plain: 'composed',
  });
  return y;
}

/** The gradient of an average, which is linear: its own gradient is the average. */
function spread(op: string, dy: Tensor, shape: Shape, g: Geometry, divisor: Divisor): Tensor {
  const dx = backward('AVERAGE', dy, shape, g, divisor, 1, {});
  record({
    op: `backward of ${op}`,
    inputs: [dy],
    outputs: [dx],
    backward: ([ddx]) => [averageOver(op, ddx as Tensor, g, divisor)],
    plain: 'composed',
  });
  return dx;
}

/** (sum |x|^p)^(1/p) of each window. */
export function normOver(op: string, x: Tensor, g: Geometry, p: number): Tensor {
  const y = forward('LP', x, g, NO_DIVISOR, p, null);
  const { shape } = x;
  const plain = (x: Tensor) => pow(averageOver(op, pow(abs(x), p), g, { countPad: false, divisor: 1 }), 1 / p);
  record({
    op,
    inputs: [x],
    outputs: [y],
    saved: [x, y],
    backward: ([dy], [x, y]) => [
      backward('LP', dy as Tensor, shape, g, NO_DIVISOR, p, { x: x as Tensor, y: y as Tensor }),
    ],
    plain: (x) => plain(x as Tensor),
  });
  return y;
}
