import { record } from '../../autograd/tape.ts';
import {
  gridSampleBackwardGrid,
  gridSampleBackwardX,
  gridSampleCells,
  gridSample as gridSampleKernel,
} from '../../generated/kernels.ts';
import { describe } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import { dispatch, grid as workgroups } from '../../runtime/kernel.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from '../check.ts';
import { full } from '../create.ts';
import { gridSamplePlain } from '../reference/grid_sample.ts';
import { segments } from '../segments.ts';

const WG = 64;
/** Channels an invocation of the forward pass has at most: as many as share the coordinates. */
const CHUNK = 8;
const PADDINGS = { zeros: 'ZEROS', border: 'BORDER', reflection: 'REFLECTION' } as const;

export interface GridSampleOptions {
  /** Linear between the four elements around a place, or the nearest one (of two equally near the even one); default 'bilinear'. */
  readonly mode?: 'bilinear' | 'nearest';
  /** What lies outside of x: zeros, the element at the border, or x mirrored there; default 'zeros'. */
  readonly paddingMode?: 'zeros' | 'border' | 'reflection';
  /** Whether -1 and 1 are the centres of the first and last elements, else their outer edges; default false. */
  readonly alignCorners?: boolean;
}

/**
 * x at the places of a grid, as PyTorch's grid_sample: y[n, c, i, j] = sum over the four elements (h, w) around the place of x[n, c, h, w] (1 - |h - v|) (1 - |w - u|), where
 * (u, v) is grid[n, i, j] in elements: u = ((g + 1) W - 1) / 2, with `alignCorners` (g + 1) (W - 1) / 2 (Jaderberg et al., Spatial Transformer Networks, 2015, eq. 5).
 *
 * The gradient to x adds in a fixed order, without atomics, and takes 16 bytes a place beside the sort; 'nearest' gives the grid a gradient of 0. Sums are f32 also for f16.
 *
 * @param x       [N, C, H, W], f32 or f16
 * @param grid    [N, H', W', 2], of the same dtype: (x, y), each in [-1, 1] within x. NaN counts as -1, as PyTorch documents, and has no gradient; what is beyond
 *                1e6 counts as that
 * @param options `mode`, `paddingMode`, `alignCorners`
 * @returns [N, C, H', W']
 * @throws ShapeError where shapes do not fit or x has nothing to read; DTypeError; ArgumentError
 */
export function gridSample(x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  checkFloat('gridSample', 'x', x);
  checkSameDType('gridSample', { x, grid });
  const sampling = samplingOf(options);
  if (x.rank !== 4 || x.shape[2] === 0 || x.shape[3] === 0)
    throw new ShapeError('gridSample', `x must be [N, C, H, W] with H and W of at least 1, got ${describe(x)}`);
  checkShape('gridSample', 'grid', grid, [x.shape[0] as number, -1, -1, 2]);
  const y = forward(x, grid, sampling);
  record({
    op: 'gridSample',
    inputs: [x, grid],
    outputs: [y],
    saved: [x, grid],
    backward: ([dy], [x, grid], [needsX, needsGrid]) => [
      needsX ? backwardX(dy as Tensor, x as Tensor, grid as Tensor, sampling) : null,
      needsGrid ? backwardGrid(dy as Tensor, x as Tensor, grid as Tensor, sampling) : null,
    ],
    plain: (x, grid) => gridSamplePlain(x as Tensor, grid as Tensor, sampling),
  });
  return y;
}

function samplingOf({ mode = 'bilinear', paddingMode = 'zeros', alignCorners = false }: GridSampleOptions) {
  if (mode !== 'bilinear' && mode !== 'nearest')
    throw new ArgumentError('gridSample', `mode must be 'bilinear' or 'nearest', got '${mode}'`);
  if (!Object.hasOwn(PADDINGS, paddingMode))
    throw new ArgumentError(
      'gridSample',
      `paddingMode must be 'zeros', 'border' or 'reflection', got '${paddingMode}'`,
    );
  return { mode, paddingMode, alignCorners };
}

type Sampling = Required<GridSampleOptions>;

const constantsOf = ({ mode, paddingMode, alignCorners }: Sampling) => ({
  WG,
  NEAREST: mode === 'nearest',
  ALIGN: alignCorners,
  PADDING: gridSampleKernel.ops[PADDINGS[paddingMode]],
});

/** @param chunk channels an invocation */
function paramsOf(x: Tensor, grid: Tensor, chunk: number) {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const P = (grid.shape[1] as number) * (grid.shape[2] as number);
  return { N, C, H, W, P, blocks: Math.ceil(P / 4), chunks: Math.ceil(C / chunk), chunk };
}

function forward(x: Tensor, grid: Tensor, sampling: Sampling): Tensor {
  const [N, C] = x.shape as [number, number];
  const y = x.gpu.empty([N, C, ...grid.shape.slice(1, 3)], x.dtype, 'gridSample');
  const params = paramsOf(x, grid, CHUNK);
  const groups = workgroups(N * params.chunks * params.blocks, WG);
  dispatch(x.gpu, gridSampleKernel, { x, grid, y }, params, groups, constantsOf(sampling));
  return y;
}

function backwardGrid(dy: Tensor, x: Tensor, grid: Tensor, sampling: Sampling): Tensor {
  if (sampling.mode === 'nearest' || dy.size === 0) return full(x.gpu, grid.shape, 0, grid.dtype);
  const dgrid = x.gpu.empty(grid.shape, grid.dtype, 'gridSample');
  const params = paramsOf(x, grid, x.shape[1] as number);
  const groups = workgroups(params.N * params.blocks, WG);
  dispatch(x.gpu, gridSampleBackwardGrid, { x, grid, dy, dgrid }, params, groups, constantsOf(sampling));
  return dgrid;
}

/** The places are sorted by the cell of four elements that they lie in; then each element gathers from its cells. */
function backwardX(dy: Tensor, x: Tensor, grid: Tensor, sampling: Sampling): Tensor {
  const { gpu } = x;
  const params = paramsOf(x, grid, 4);
  const { N, H, W, P, chunks } = params;
  if (dy.size === 0) return full(gpu, x.shape, 0, x.dtype);
  return scope(() => {
    const sources = gpu.empty([N, P, 2], 'f32', 'gridSample');
    const cells = gpu.empty([N, P], 'i32', 'gridSample');
    dispatch(gpu, gridSampleCells, { grid, sources, cells }, params, workgroups(N * P, WG), constantsOf(sampling));
    const { order, starts } = segments('gridSample', cells, N, { length: (H + 1) * (W + 1), count: P });
    const dx = gpu.empty(x.shape, x.dtype, 'gridSample');
    const groups = workgroups(N * chunks * H * W, WG);
    const constants = { WG, NEAREST: sampling.mode === 'nearest' };
    dispatch(gpu, gridSampleBackwardX, { dy, sources, order, starts, dx }, params, groups, constants);
    return dx;
  });
}
