import { record } from '../autograd/tape.ts';
import { concat as concatKernel, concatVec4, split as splitKernel, splitVec4 } from '../generated/kernels.ts';
import { describe, type Shape, sizeOf } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { checkAxis, checkSameDType } from './check.ts';
import { fourfold, viewAt } from './strided.ts';

/** Storage buffers that a kernel has for the pieces. */
const PIECES = 7;

/**
 * Tensors one after the other along an axis, as NumPy's `concatenate`; up to seven in a dispatch.
 *
 * @param list one tensor or more of one dtype, any; shapes equal but for the axis
 * @param axis default 0
 * @returns shape of the first, with the sum of the sizes along `axis`
 * @throws ShapeError when the other sizes differ; DTypeError when the dtypes do
 */
export function concat(list: readonly Tensor[], options: { readonly axis?: number } = {}): Tensor {
  const first = checkList('concat', list);
  const axis = checkAxis('concat', options.axis ?? 0, first);
  const wrong = list.find((t) => t.rank !== first.rank || t.shape.some((n, i) => i !== axis && n !== first.shape[i]));
  if (wrong)
    throw new ShapeError(
      'concat',
      `list must have equal shapes but for axis ${axis}, got ${describe(first)} and ${describe(wrong)}`,
    );
  const along = list.reduce((n, t) => n + (t.shape[axis] as number), 0);
  return join(
    'concat',
    list,
    list.map((t) => t.shape),
    first.shape.with(axis, along),
    axis,
  );
}

/**
 * Tensors of one shape as the slices of a new axis, as NumPy's `stack`: `y[.., k, ..] = list[k]`; up to seven in a dispatch.
 *
 * @param list one tensor or more of one shape and dtype
 * @param axis where the new axis stands in the result; default 0
 * @returns the shape of each with `list.length` inserted at `axis`
 */
export function stack(list: readonly Tensor[], options: { readonly axis?: number } = {}): Tensor {
  const first = checkList('stack', list);
  const { axis = 0 } = options;
  const { rank } = first;
  if (!Number.isInteger(axis) || axis < -rank - 1 || axis > rank) {
    throw new ArgumentError(
      'stack',
      `axis must be in [${-rank - 1}, ${rank}], got ${axis} (list[0]: ${describe(first)})`,
    );
  }
  if (rank === 8)
    throw new ShapeError('stack', `list must hold tensors of at most 7 dimensions, got ${describe(first)}`);
  const wrong = list.find((t) => t.shape.join() !== first.shape.join());
  if (wrong)
    throw new ShapeError('stack', `list must have equal shapes, got ${describe(first)} and ${describe(wrong)}`);
  const at = axis < 0 ? axis + rank + 1 : axis;
  return join(
    'stack',
    list,
    list.map((t) => t.shape),
    first.shape.toSpliced(at, 0, list.length),
    at,
  );
}

/**
 * `x` cut along an axis, as NumPy's `split`; up to seven pieces in a dispatch, none where the pieces can be views (sections of a multiple
 * of 256 bytes along the first axis).
 *
 * @param x        any shape and dtype
 * @param sections how many pieces of equal size, or the size of each
 * @param axis     default 0
 * @returns the pieces, whose gradients are put together by one `concat`
 * @throws ArgumentError when the sizes are not whole numbers that sum to the size of the axis
 */
export function split(
  x: Tensor,
  sections: number | readonly number[],
  options: { readonly axis?: number } = {},
): Tensor[] {
  const axis = checkAxis('split', options.axis ?? 0, x);
  const n = x.shape[axis] as number;
  const equal = typeof sections === 'number';
  const sizes = equal
    ? Array.from({ length: Number.isInteger(sections) && sections > 0 ? sections : 0 }, () => n / sections)
    : sections;
  const valid =
    sizes.length > 0 && sizes.every((s) => Number.isInteger(s) && s >= 0) && sizes.reduce((a, b) => a + b, 0) === n;
  if (!valid) {
    const want = equal ? `a whole number that divides ${n}` : `whole numbers that sum to ${n}`;
    throw new ArgumentError(
      'split',
      `sections must be ${want}, the size of axis ${axis}, got ${equal ? sections : `[${sizes.join(', ')}]`} (x: ${describe(x)})`,
    );
  }
  return cut(
    'split',
    x,
    sizes.map((s) => x.shape.with(axis, s)),
    axis,
  ) as Tensor[];
}

function checkList(op: string, list: readonly Tensor[]): Tensor {
  const [first] = list;
  if (!first) throw new ArgumentError(op, 'list must hold at least one tensor, got none');
  checkSameDType(op, Object.fromEntries(list.map((t, i) => [`list[${i}]`, t])));
  return first;
}

/** What a run of either kernel needs: the pieces are matrices of `rows`, of these widths, side by side. */
interface Columns {
  readonly rows: number;
  readonly cols: number;
  readonly widths: readonly number[];
}

/** Pieces of these shapes along `axis` of `whole`; a new axis counts too. */
function columnsOf(shapes: readonly Shape[], whole: Shape, axis: number): Columns {
  const rows = sizeOf(whole.slice(0, axis));
  return { rows, cols: sizeOf(whole.slice(axis)), widths: shapes.map((s) => (rows === 0 ? 0 : sizeOf(s) / rows)) };
}

/** The pieces (null for zeros) side by side. */
function join(
  op: string,
  pieces: readonly (Tensor | null)[],
  shapes: readonly Shape[],
  whole: Shape,
  axis: number,
): Tensor {
  const given = pieces.filter((t) => t !== null);
  const first = given[0] as Tensor;
  const y =
    pieces.length === 1
      ? first.reinterpret(first.dtype, whole)
      : joined(op, pieces, first, columnsOf(shapes, whole, axis), whole);
  record({
    op,
    inputs: given,
    outputs: [y],
    backward: ([dy], _, needs) => {
      const wanted = pieces.map((t) => t !== null && needs[given.indexOf(t)] === true);
      return cut(op, dy as Tensor, shapes, axis, wanted).filter((_, i) => pieces[i] !== null);
    },
    plain: 'composed',
  });
  return y;
}

function joined(op: string, pieces: readonly (Tensor | null)[], first: Tensor, columns: Columns, whole: Shape): Tensor {
  if (first.dtype === 'bool') {
    return scope(() => {
      const asWords = pieces.map((t) => t && cast(t, 'u32'));
      return cast(joined(op, asWords, asWords[0] as Tensor, columns, whole), 'bool');
    });
  }
  const y = first.gpu.empty(whole, first.dtype, op);
  eachRun(columns, (run) => {
    const [x0, x1, x2, x3, x4, x5, x6] = run.pieces.map((k) => pieces[k] ?? first);
    const at = (t: Tensor | undefined) => t ?? first;
    const buffers = { x0: at(x0), x1: at(x1), x2: at(x2), x3: at(x3), x4: at(x4), x5: at(x5), x6: at(x6), y };
    const absent = run.pieces.reduce((bits, k, i) => bits | (pieces[k] ? 0 : 1 << i), 0);
    dispatch(
      first.gpu,
      run.fours ? concatVec4 : concatKernel,
      buffers,
      { ...run.params, absent },
      grid(run.params.rows * run.params.width, 256),
    );
  });
  return y;
}

/** `x` in pieces of these shapes; null for those not wanted. */
function cut(
  op: string,
  x: Tensor,
  shapes: readonly Shape[],
  axis: number,
  wanted: readonly boolean[] = shapes.map(() => true),
): (Tensor | null)[] {
  const columns = columnsOf(shapes, x.shape, axis);
  const pieces = views(x, shapes, columns, wanted) ?? pieced(op, x, shapes, columns, wanted);
  record({
    op,
    inputs: [x],
    outputs: pieces.filter((t) => t !== null),
    backward: (dys) => {
      const all = spread(dys, wanted);
      return [join(op, all, shapes, x.shape, axis)];
    },
    plain: 'composed',
  });
  return pieces;
}

/** `values` for the places wanted, null for the others. */
function spread(values: readonly (Tensor | null)[], wanted: readonly boolean[]): (Tensor | null)[] {
  let next = 0;
  return wanted.map((w) => (w ? (values[next++] ?? null) : null));
}

/** The pieces as views, if each may be bound where it lies. */
function views(
  x: Tensor,
  shapes: readonly Shape[],
  { rows, widths }: Columns,
  wanted: readonly boolean[],
): (Tensor | null)[] | null {
  if (rows !== 1) return null;
  const found: (Tensor | null)[] = [];
  let offset = 0;
  for (const [k, shape] of shapes.entries()) {
    const view = wanted[k] ? viewAt(x, offset, shape) : null;
    found.push(view);
    if (wanted[k] && !view) {
      for (const t of found) t?.dispose();
      return null;
    }
    offset += widths[k] as number;
  }
  return found;
}

function pieced(
  op: string,
  x: Tensor,
  shapes: readonly Shape[],
  columns: Columns,
  wanted: readonly boolean[],
): (Tensor | null)[] {
  const { gpu } = x;
  if (x.dtype === 'bool') {
    return scope(() => pieced(op, cast(x, 'u32'), shapes, columns, wanted).map((t) => t && cast(t, 'bool')));
  }
  const pieces = shapes.map((shape, k) => (wanted[k] ? gpu.empty(shape, x.dtype, op) : null));
  eachRun(columns, (run) => {
    if (!run.pieces.some((k) => pieces[k])) return;
    scope(() => {
      // Outputs must lie in different buffers, those that are not wanted too.
      const [y0, y1, y2, y3, y4, y5, y6] = Array.from(
        { length: PIECES },
        (_, i) => pieces[run.pieces[i] ?? -1] ?? gpu.empty([1], x.dtype, op),
      ) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      const absent = run.pieces.reduce((bits, k, i) => bits | (pieces[k] ? 0 : 1 << i), 0);
      const { rows, width } = run.params;
      dispatch(
        gpu,
        run.fours ? splitVec4 : splitKernel,
        { x, y0, y1, y2, y3, y4, y5, y6 },
        { ...run.params, absent },
        grid(rows * width, 256),
      );
    });
  });
  return pieces;
}

interface Run {
  /** Up to seven numbers of pieces that are not empty. */
  readonly pieces: readonly number[];
  readonly fours: boolean;
  readonly params: { rows: number; cols: number; start: number; width: number; ends: number[] };
}

function eachRun({ rows, cols, widths }: Columns, f: (run: Run) => void): void {
  const filled = widths.flatMap((w, k) => (w > 0 ? [k] : []));
  const fours = fourfold(...widths);
  const unit = fours ? 4 : 1;
  let start = 0;
  for (let i = 0; i < filled.length; i += PIECES) {
    const pieces = filled.slice(i, i + PIECES);
    let width = 0;
    const ends = pieces.map((k) => (width += (widths[k] as number) / unit));
    f({
      pieces,
      fours,
      params: { rows, cols: cols / unit, start, width, ends: Array.from({ length: 8 }, (_, k) => ends[k] ?? width) },
    });
    start += width;
  }
}
