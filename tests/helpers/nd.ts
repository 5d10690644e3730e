import { type Shape, sizeOf } from '../../src/host.ts';
import type { Nd } from '../../src/testing/check.ts';

export const nd = (shape: Shape, data: Iterable<number>): Nd => ({ shape, data: Float64Array.from(data) });

/** The coordinates of element `i` of a row-major array. */
export function coordinates(i: number, shape: Shape): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const n = shape[axis] as number;
    at.unshift(i % n);
    i = Math.floor(i / n);
  }
  return at;
}

/** The place of an element in a row-major array. */
export const placeOf = (at: readonly number[], shape: Shape): number =>
  at.reduce((i, c, axis) => i * (shape[axis] as number) + c, 0);

const positive = (axes: number | readonly number[] | undefined, x: Nd): number[] =>
  axes === undefined ? x.shape.map((_, i) => i) : [axes].flat().map((a) => (a < 0 ? a + x.shape.length : a));

/** `f` of the elements, in row-major order, that share the coordinates outside `axes`. */
export function reduceNd(x: Nd, f: (row: number[]) => number, axes?: number | readonly number[], keepDims = false): Nd {
  const gone = positive(axes, x);
  const kept = x.shape.map((n, i) => (gone.includes(i) ? 1 : n));
  const rows: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  x.data.forEach((v, i) => {
    const at = coordinates(i, x.shape).map((c, axis) => (gone.includes(axis) ? 0 : c));
    rows[placeOf(at, kept)]?.push(v);
  });
  return nd(keepDims ? kept : x.shape.filter((_, i) => !gone.includes(i)), rows.map(f));
}

/** `f` applied to each row along an axis, whose length it keeps. */
export function alongAxis(x: Nd, axis: number, f: (row: number[]) => number[]): Nd {
  const [a] = positive(axis, x) as [number];
  const n = x.shape[a] as number;
  const inner = sizeOf(x.shape.slice(a + 1));
  const out = new Float64Array(x.data.length);
  for (let o = 0; o < out.length / Math.max(n * inner, 1); o++) {
    for (let i = 0; i < inner; i++) {
      const place = (j: number) => (o * n + j) * inner + i;
      f(Array.from({ length: n }, (_, j) => x.data[place(j)] as number)).forEach((v, j) => {
        out[place(j)] = v;
      });
    }
  }
  return { shape: x.shape, data: out };
}

/** The array of `shape` whose element at coordinates `c` is `f(c)`. */
export const build = (shape: Shape, f: (c: number[]) => number): Nd =>
  nd(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => f(coordinates(i, shape))),
  );

/** The element of `x` at coordinates `c`. */
export const at = (x: Nd, c: readonly number[]): number => x.data[placeOf(c, x.shape)] as number;

/** `f` of the elements of several arrays broadcast together as in NumPy. */
export function elementwise(f: (...v: number[]) => number, ...xs: Nd[]): Nd {
  const rank = Math.max(...xs.map((x) => x.shape.length));
  const padded = xs.map((x) => ({
    shape: [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape],
    data: x.data,
  }));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const sizes = padded.map((x) => x.shape[axis] as number);
    return sizes.find((n) => n !== 1) ?? 1;
  });
  return build(shape, (c) =>
    f(
      ...padded.map((x) =>
        at(
          x,
          c.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)),
        ),
      ),
    ),
  );
}
