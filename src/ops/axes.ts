import { type Shape, sizeOf } from '../host.ts';
import type { Tensor } from '../tensor.ts';
import type { RowView } from './row_plan.ts';

export interface AxisGroup {
  readonly size: number;
  readonly reduced: boolean;
}

/** Neighbouring axes that are all reduced or all kept, merged; axes of size 1 vanish. */
export function axisGroups(shape: Shape, axes: readonly number[]): AxisGroup[] {
  const groups: AxisGroup[] = [];
  shape.forEach((n, i) => {
    if (n === 1) return;
    const reduced = axes.includes(i);
    const last = groups.at(-1);
    if (last?.reduced === reduced) groups[groups.length - 1] = { size: last.size * n, reduced };
    else groups.push({ size: n, reduced });
  });
  return groups;
}

/**
 * The reductions along one axis that make up a reduction over `axes`: one for each group of neighbours, the last first, which leaves the least to
 * read. Where all the axes have size 1, one over an axis of size 1.
 */
export function reductionViews(shape: Shape, axes: readonly number[]): RowView[] {
  const groups = axisGroups(shape, axes);
  const sizes = groups.map((g) => g.size);
  const views: RowView[] = [];
  for (let i = groups.length - 1; i >= 0; i--) {
    if (!groups[i]?.reduced) continue;
    views.push({ outer: sizeOf(sizes.slice(0, i)), axis: sizes[i] as number, inner: sizeOf(sizes.slice(i + 1)) });
    sizes[i] = 1;
  }
  return views.length > 0 ? views : [{ outer: sizeOf(sizes), axis: 1, inner: 1 }];
}

/** Applies `stage` for each of the views of a reduction over `axes`, flat shapes in between and `shape` at the end. */
export function throughViews(
  x: Tensor,
  axes: readonly number[],
  shape: Shape,
  stage: (x: Tensor, view: RowView, shape: Shape) => Tensor,
): Tensor {
  const views = reductionViews(x.shape, axes);
  return views.reduce(
    (from, view, i) => stage(from, view, i === views.length - 1 ? shape : [view.outer * view.inner]),
    x,
  );
}

/** The number of elements that go into one output of a reduction over `axes`. */
export function countOf(x: Tensor, axes: readonly number[]): number {
  return sizeOf(axes.map((i) => x.shape[i] as number));
}

/** The shape that remains after reducing over `axes`. */
export function reducedShape(x: Tensor, axes: readonly number[], keepDims = false): number[] {
  return x.shape.flatMap((n, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [n]));
}
