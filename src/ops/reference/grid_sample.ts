import type { Tensor } from '../../tensor.ts';
import { add, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { greater, isNaN as isNaNOf, less, logicalAnd } from '../compare.ts';
import { takeAlong } from '../gather.ts';
import type { GridSampleOptions } from '../resample/grid_sample.ts';
import { broadcastTo, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import { abs, clamp, floor, round } from '../unary.ts';
import { where } from '../where.ts';

/** The definition of `gridSample`, in f32. */
export function gridSamplePlain(x: Tensor, grid: Tensor, options: Required<GridSampleOptions>): Tensor {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const [, rows, columns] = grid.shape as [number, number, number, number];
  const places = rows * columns;
  const planes = reshape(cast(x, 'f32'), [N, C, H * W]);
  const along = (axis: number, n: number) => {
    const one = slice(reshape(cast(grid, 'f32'), [N, places, 2]), [null, null, [axis, axis + 1]]);
    return sourceOf(reshape(one, [N, 1, places]), n, options);
  };
  const [across, down] = [along(0, W), along(1, H)];
  const elements = (column: Tensor, row: Tensor): Tensor => {
    const inside = logicalAnd(within(column, W), within(row, H));
    const place = cast(where(inside, add(mul(row, W), column), 0), 'i32');
    return where(inside, takeAlong(planes, broadcastTo(place, [N, C, places]), { axis: 2 }), 0);
  };
  const result = (y: Tensor) => cast(reshape(y, [N, C, rows, columns]), x.dtype);
  if (options.mode === 'nearest') return result(elements(round(across), round(down)));
  const [left, top] = [floor(across), floor(down)];
  const [u, v] = [sub(across, left), sub(down, top)];
  const between = (row: Tensor) => add(mul(elements(left, row), sub(1, u)), mul(elements(add(left, 1), row), u));
  return result(add(mul(between(top), sub(1, v)), mul(between(add(top, 1)), v)));
}

/** Coordinates of a grid in elements of an axis of n. */
function sourceOf(given: Tensor, n: number, { paddingMode, alignCorners }: Required<GridSampleOptions>): Tensor {
  const g = clamp(where(isNaNOf(given), -1, given), -1e6, 1e6);
  const [span, first] = alignCorners ? [n - 1, 0] : [n, -0.5];
  const at = add(mul(add(g, 1), span / 2), first);
  if (paddingMode === 'zeros') return clamp(at, -2, n + 1);
  if (paddingMode === 'border') return clamp(at, 0, n - 1);
  const off = abs(sub(at, first));
  const turns = floor(mul(off, 1 / Math.max(span, 1)));
  const rest = sub(off, mul(turns, span));
  const back = greater(sub(turns, mul(floor(mul(turns, 0.5)), 2)), 0);
  return clamp(add(where(back, sub(span, rest), rest), first), 0, n - 1);
}

const within = (i: Tensor, n: number): Tensor => logicalAnd(greater(i, -0.5), less(i, n - 0.5));
