import type { GridSampleOptions } from '../../src/ops/resample/grid_sample.ts';
import type { ResizeOptions } from '../../src/ops/resample/resize.ts';
import type { Nd } from '../../src/testing/check.ts';
import { at, build } from './nd.ts';

type Taps = readonly (readonly [index: number, weight: number])[];

/**
 * What each output of an axis of n reads, from the definitions in PyTorch's aten/src/ATen/native/UpSample.h: area_pixel_compute_scale and
 * area_pixel_compute_source_index, nearest_neighbor_compute_source_index and its exact one, whose positions are f32.
 */
function tapsOf(n: number, m: number, scale: number | undefined, o: ResizeOptions): Taps[] {
  const linear = o.mode === 'bilinear';
  const centres = o.halfPixelCenters ?? (linear && !o.alignCorners);
  const apart = scale === undefined ? n / m : 1 / scale;
  const step = Math.fround(o.alignCorners ? (m > 1 ? (n - 1) / (m - 1) : 0) : apart);
  const inside = (i: number) => Math.min(Math.max(i, 0), n - 1);
  return Array.from({ length: m }, (_, i) => {
    if (!linear) {
      if (o.alignCorners) return [[inside(Math.floor(Math.fround(Math.fround(i * step) + 0.5))), 1]];
      if (centres) return [[inside(Math.floor(Math.fround((i + 0.5) * step))), 1]];
      return [[inside(Math.floor(Math.fround(i * step))), 1]];
    }
    if (m === n) return [[i, 1]];
    const at = inside(centres ? step * (i + 0.5) - 0.5 : step * i);
    const low = Math.floor(at);
    return [
      [low, 1 - (at - low)],
      [inside(low + 1), at - low],
    ];
  });
}

/** One number for all dimensions, or one for each. */
const spread = (value: number | readonly number[], dims: number): readonly number[] =>
  typeof value === 'number' ? Array<number>(dims).fill(value) : value;

/** `resize` of [N, C, ...] or [N, ..., C] in f64. */
export function resized(x: Nd, options: ResizeOptions): Nd {
  const dims = x.shape.length - 2;
  const first = options.layout === 'nhwc' ? 1 : 2;
  const sizes = x.shape.slice(first, first + dims);
  const scales = options.scale === undefined ? undefined : spread(options.scale, dims);
  const outputs = scales
    ? sizes.map((n, i) => Math.floor(n * (scales[i] as number)))
    : spread(options.size as number, dims);
  const axes = sizes.map((n, i) => tapsOf(n, outputs[i] as number, scales?.[i], options));
  const shape = [...x.shape.slice(0, first), ...outputs, ...x.shape.slice(first + dims)];
  return build(shape, (c) => {
    const sum = (axis: number, place: readonly number[]): number =>
      axis === dims
        ? at(x, place)
        : ((axes[axis] as Taps[])[c[first + axis] as number] as Taps).reduce(
            (total, [i, weight]) => total + weight * sum(axis + 1, place.with(first + axis, i)),
            0,
          );
    return sum(0, c);
  });
}

/** A coordinate of a grid in elements, from PyTorch's aten/src/ATen/native/GridSampler.h: unnormalize, reflect_coordinates, clip_coordinates. */
function sourceOf(g: number, n: number, { paddingMode = 'zeros', alignCorners = false }: GridSampleOptions): number {
  let at = alignCorners ? ((g + 1) / 2) * (n - 1) : ((g + 1) * n - 1) / 2;
  if (paddingMode === 'reflection') {
    const [low, span] = alignCorners ? [0, n - 1] : [-0.5, n];
    const off = Math.abs(at - low);
    const flips = span === 0 ? 0 : Math.floor(off / span);
    const extra = span === 0 ? 0 : off % span;
    at = flips % 2 === 0 ? extra + low : span - extra + low;
  }
  return paddingMode === 'zeros' ? at : Math.min(Math.max(at, 0), n - 1);
}

/** std::nearbyint: of two equally near the even one. */
const toNearest = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

/** `gridSample` in f64. */
export function sampled(x: Nd, grid: Nd, options: GridSampleOptions): Nd {
  const [N, C, H, W] = x.shape as [number, number, number, number];
  const [, rows, columns] = grid.shape as [number, number, number, number];
  return build([N, C, rows, columns], ([n, c, i, j]) => {
    const [u, v] = [W, H].map((size, axis) => sourceOf(at(grid, [n!, i!, j!, axis]), size, options)) as [
      number,
      number,
    ];
    const element = (h: number, w: number) => (h < 0 || h >= H || w < 0 || w >= W ? 0 : at(x, [n!, c!, h, w]));
    if (options.mode === 'nearest') return element(toNearest(v), toNearest(u));
    const [h, w] = [Math.floor(v), Math.floor(u)];
    const between = (row: number) => element(row, w) * (1 - (u - w)) + element(row, w + 1) * (u - w);
    return between(h) * (1 - (v - h)) + between(h + 1) * (v - h);
  });
}
