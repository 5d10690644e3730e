import { type Shape, sizeOf } from '../../src/host.ts';
import type { Nd } from '../../src/testing/check.ts';

// Central differences run the references hundreds of thousands of times: the loops here make no lists where they can do without.

export const nd = (shape: Shape, data: readonly number[] | Float64Array): Nd => ({
  shape,
  data: new Float64Array(data),
});

/** The coordinates of element `i` of a row-major array. */
export function coordinates(i: number, shape: Shape): number[] {
  const at = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const n = shape[axis] as number;
    at[axis] = i % n;
    i = Math.floor(i / n);
  }
  return at;
}

/** The place of an element in a row-major array. */
export function placeOf(at: readonly number[], shape: Shape): number {
  let place = 0;
  for (let axis = 0; axis < at.length; axis++) place = place * (shape[axis] as number) + (at[axis] as number);
  return place;
}

/** For each element of an array of `shape`, in row-major order, its place in one of `sizes`, of the same rank, where axes of size 1 are broadcast. */
function places(shape: Shape, sizes: Shape): Uint32Array {
  const out = new Uint32Array(sizeOf(shape));
  let [stride, inner] = [1, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const n = shape[axis] as number;
    const step = sizes[axis] === 1 ? 0 : stride;
    for (let i = 0; i < out.length; i++) (out[i] as number) += (Math.floor(i / inner) % n) * step;
    stride *= sizes[axis] as number;
    inner *= n;
  }
  return out;
}

const positive = (axes: number | readonly number[] | undefined, x: Nd): number[] =>
  axes === undefined ? x.shape.map((_, i) => i) : [axes].flat().map((a) => (a < 0 ? a + x.shape.length : a));

/** `f` of the elements, in row-major order, that share the coordinates outside `axes`. */
export function reduceNd(x: Nd, f: (row: number[]) => number, axes?: number | readonly number[], keepDims = false): Nd {
  const gone = positive(axes, x);
  const kept = x.shape.map((n, i) => (gone.includes(i) ? 1 : n));
  const rows: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  places(x.shape, kept).forEach((row, i) => {
    rows[row]?.push(x.data[i] as number);
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
      const row = new Array<number>(n);
      for (let j = 0; j < n; j++) row[j] = x.data[(o * n + j) * inner + i] as number;
      f(row).forEach((v, j) => {
        out[(o * n + j) * inner + i] = v;
      });
    }
  }
  return { shape: x.shape, data: out };
}

/** The array of `shape` whose element at coordinates `c` is `f(c)`. */
export function build(shape: Shape, f: (c: number[]) => number): Nd {
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = f(coordinates(i, shape));
  return { shape, data };
}

/** The element of `x` at coordinates `c`. */
export const at = (x: Nd, c: readonly number[]): number => x.data[placeOf(c, x.shape)] as number;

/** `f` of the elements of several arrays broadcast together as in NumPy. */
export function elementwise(f: (...v: number[]) => number, ...xs: Nd[]): Nd {
  const rank = Math.max(...xs.map((x) => x.shape.length));
  const padded = xs.map((x) => [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape]);
  const shape = Array.from({ length: rank }, (_, axis) => {
    const sizes = padded.map((sizes) => sizes[axis] as number);
    return sizes.find((n) => n !== 1) ?? 1;
  });
  const from = padded.map((sizes) => places(shape, sizes));
  const data = new Float64Array(sizeOf(shape));
  const values = xs.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    for (let k = 0; k < xs.length; k++) values[k] = (xs[k] as Nd).data[(from[k] as Uint32Array)[i] as number] as number;
    data[i] = f(...values);
  }
  return { shape, data };
}
