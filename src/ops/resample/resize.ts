import { record } from '../../autograd/tape.ts';
import { resizeBackward, resize as resizeKernel } from '../../generated/kernels.ts';
import { describe, type Shape, sizeOf } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat } from '../check.ts';
import { each, type ImageLayout, type PerDimension, spatial, type Three, three } from '../windows.ts';

const WG = 64;

export interface ResizeOptions {
  /** How many outputs in each of D, H, W that x has, or in all; this or `scale`. */
  readonly size?: PerDimension;
  /** floor(n scale) outputs of n elements, which lie 1 / scale apart; one number, or one for each of D, H, W that x has. */
  readonly scale?: PerDimension;
  /** The nearest element, or linear in each of D, H, W; default 'nearest'. */
  readonly mode?: 'nearest' | 'bilinear';
  /** Whether the first and the last outputs lie on the first and last elements; default false. */
  readonly alignCorners?: boolean;
  /** Whether positions are those of the centres of elements, else of their beginnings; default true for 'bilinear' but with `alignCorners`, else false. */
  readonly halfPixelCenters?: boolean;
  /** Default 'nchw', which stands for [N, C, W] and [N, C, D, H, W] as well. */
  readonly layout?: ImageLayout;
}

/** x as [outer, D, H, W, inner], y as [outer, D', H', W', inner]; output o of an axis lies at step (o + centre) - shift. */
interface Geometry {
  readonly outer: number;
  readonly inner: number;
  readonly x: Three;
  readonly y: Three;
  readonly step: Three;
  readonly centre: number;
  readonly shift: number;
  readonly linear: boolean;
  readonly shapes: { readonly x: Shape; readonly y: Shape };
}

/**
 * Images of another size, by the nearest element or linear interpolation: y_o = x at step (o + 1/2) - 1/2 (`halfPixelCenters`), step o, or with
 * `alignCorners` step = (n - 1) / (size - 1), along each of D, H, W; positions beyond the ends are the ends. Linear in x; gradients of any order, without atomics.
 *
 * As PyTorch's interpolate: 'nearest', 'nearest-exact' (`halfPixelCenters`), 'linear', 'bilinear' and 'trilinear' ('bilinear' for x of rank 3, 4, 5, with and without
 * `alignCorners`). As TensorFlow.js: `halfPixelCenters: false` for its default, `layout: 'nhwc'`. As WebNN's resample2d: `halfPixelCenters: true`.
 *
 * @param x       [N, C, W], [N, C, H, W] or [N, C, D, H, W], f32 or f16 (interpolated in f32); with `layout: 'nhwc'` channels last
 * @param options `size` or `scale`; `mode`, `alignCorners`, `halfPixelCenters`, `layout`. 'nearest' takes the element at or before a position, with `alignCorners`
 *                the nearer one, the later of equally near ones
 * @returns `size`, or floor(n scale), in place of D, H, W; the dtype of x. 'bilinear' copies along an axis whose size stays
 * @throws ShapeError for other ranks and where there is nothing to read; ArgumentError; DTypeError
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  checkFloat('resize', 'x', x);
  return interpolate(x, geometryOf(x, options));
}

function geometryOf(x: Tensor, options: ResizeOptions): Geometry {
  const { mode = 'nearest', alignCorners = false, layout = 'nchw' } = options;
  if (mode !== 'nearest' && mode !== 'bilinear')
    throw new ArgumentError('resize', `mode must be 'nearest' or 'bilinear', got '${mode}'`);
  const linear = mode === 'bilinear';
  const { halfPixelCenters = linear && !alignCorners } = options;
  if (alignCorners && halfPixelCenters)
    throw new ArgumentError('resize', 'alignCorners and halfPixelCenters must not both be true');
  if (x.rank < 3 || x.rank > 5) throw new ShapeError('resize', `x must have rank 3, 4 or 5, got ${describe(x)}`);
  const { at, sizes } = spatial('resize', x, x.rank - 2, layout);
  if (sizes.some((n) => n === 0)) throw new ShapeError('resize', `x must have elements to read, got ${describe(x)}`);
  const { outputs, steps } = outputsOf(sizes, options);
  const step = sizes.map((n, i) => {
    const m = outputs[i] as number;
    if (alignCorners) return m > 1 ? (n - 1) / (m - 1) : 0;
    // As in PyTorch, linear interpolation that changes no size copies, whatever the scale.
    return linear && m === n ? 1 : (steps[i] as number);
  });
  const [lead, rest] = [x.shape.slice(0, at), x.shape.slice(at + sizes.length)];
  return {
    outer: sizeOf(lead),
    inner: sizeOf(rest),
    x: three(sizes, 1),
    y: three(outputs, 1),
    step: three(step.map(Math.fround), 1),
    centre: halfPixelCenters ? 0.5 : 0,
    // Towards the nearer one is half an element on; the centre of an element is half an element in.
    shift: linear && halfPixelCenters ? 0.5 : !linear && alignCorners ? -0.5 : 0,
    linear,
    shapes: { x: x.shape, y: [...lead, ...outputs, ...rest] },
  };
}

/** How many outputs each axis has, and how many elements they are apart. */
function outputsOf(sizes: readonly number[], { size, scale }: ResizeOptions) {
  const dims = sizes.length;
  if ((size === undefined) === (scale === undefined))
    throw new ArgumentError(
      'resize',
      `either size or scale must be given, got ${size === undefined ? 'neither' : 'both'}`,
    );
  if (size !== undefined) {
    const outputs = each('resize', 'size', size, dims, 1);
    return { outputs, steps: sizes.map((n, i) => n / (outputs[i] as number)) };
  }
  const scales = typeof scale === 'number' ? sizes.map(() => scale) : (scale as readonly number[]);
  const outputs = scales.map((s, i) => Math.floor((sizes[i] as number) * s));
  if (scales.length !== dims || !scales.every(Number.isFinite) || outputs.some((m) => !(m >= 1)))
    throw new ArgumentError(
      'resize',
      `scale must be a number > 0, or ${dims} of them, that leaves an output, got ${JSON.stringify(scale)} for sizes [${sizes.join(', ')}]`,
    );
  return { outputs, steps: scales.map((s) => 1 / s) };
}

function interpolate(x: Tensor, g: Geometry): Tensor {
  const y = x.gpu.empty(g.shapes.y, x.dtype, 'resize');
  const { params, groups, constants } = launch(g, g.y);
  if (y.size > 0) dispatch(x.gpu, resizeKernel, { x, y }, params, groups, constants);
  record({ op: 'resize', inputs: [x], outputs: [y], backward: ([dy]) => [spread(dy as Tensor, g)], plain: 'composed' });
  return y;
}

/** The gradient of `interpolate`, which is linear, and so the gradient of this. */
function spread(dy: Tensor, g: Geometry): Tensor {
  const dx = dy.gpu.empty(g.shapes.x, dy.dtype, 'resize');
  const { params, groups, constants } = launch(g, g.x);
  if (dx.size > 0) dispatch(dy.gpu, resizeBackward, { dy, dx }, params, groups, constants);
  record({
    op: 'backward of resize',
    inputs: [dy],
    outputs: [dx],
    backward: ([ddx]) => [interpolate(ddx as Tensor, g)],
    plain: 'composed',
  });
  return dx;
}

/** @param sizes of what the invocations compute, four neighbours each: along W, or where there is one along the inner dimension */
function launch({ outer, inner, x, y, step, centre, shift, linear }: Geometry, sizes: Three) {
  const INNER = inner > 1;
  const blocks = Math.ceil((INNER ? inner : sizes[2]) / 4);
  const count = outer * sizes[0] * sizes[1] * (INNER ? sizes[2] : 1) * blocks;
  const four = (n: readonly number[]) => [...n, 0];
  const params = {
    outer,
    inner,
    blocks,
    cells: y[0] * y[1] * y[2],
    x: four(x),
    y: four(y),
    step: four(step),
    inverse: four(step.map((s, i) => (s === 0 ? 2 * (y[i] as number) : 1 / s))),
    centre,
    shift,
  };
  return { params, groups: grid(count, WG), constants: { WG, INNER, LINEAR: linear } };
}
