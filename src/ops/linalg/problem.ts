import { describe, type Shape, sizeOf } from '../../host.ts';
import { ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import { broadcastStrides, collapse } from '../strides.ts';

export interface Transposed {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** One dimension of the batch: its size, and the strides of A, B and bias along it (0 where one is broadcast). */
export type BatchDim = readonly [size: number, a: number, b: number, bias: number];

/** A dimension of K beyond the runs that are summed: its size, and the strides of A and B along it. */
export type RunDim = readonly [size: number, a: number, b: number];

/** A matrix product as the kernels see it: sizes and strides in elements, the batch in as few dimensions as it takes. */
export interface Problem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aM: number;
  readonly aK: number;
  readonly bK: number;
  readonly bN: number;
  readonly biasM: number;
  readonly biasN: number;
  readonly dims: readonly BatchDim[];
  readonly batch: number;
  /** At most three, where the product is the sum over several runs of k that lie apart in A and B; K is then all of them. */
  readonly runs: readonly RunDim[];
  /** Whether A and B changed places: a column is computed as a row, C^T = B^T A^T. */
  readonly swapped: boolean;
  /** The shape of the result. */
  readonly shape: Shape;
}

/** Checks that the shapes fit and lays the product out; see `Problem`. */
export function layout(
  op: string,
  a: Tensor,
  b: Tensor,
  bias: Tensor | undefined,
  { transposeA = false, transposeB = false }: Transposed,
): Problem {
  const mismatch = (what: string) =>
    new ShapeError(op, `${what}, got a: ${named(a, transposeA)} and b: ${named(b, transposeB)}`);
  if (a.rank === 0 || b.rank === 0) throw mismatch('a and b must have at least 1 dimension');
  if ((transposeA && a.rank === 1) || (transposeB && b.rank === 1)) throw mismatch('a vector cannot be transposed');
  const [m, inner] = a.rank === 1 ? [1, a.size] : lastTwo(a.shape, transposeA);
  const [k, n] = b.rank === 1 ? [b.size, 1] : lastTwo(b.shape, transposeB);
  if (inner !== k) throw mismatch(`the inner sizes must agree (${inner} and ${k})`);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) throw mismatch('the batch dimensions do not broadcast');
  const shape = [...batch, ...(a.rank === 1 ? [] : [m]), ...(b.rank === 1 ? [] : [n])];
  const full = [...batch, m, n];
  const biasStrides = broadcastStrides(biasDims(op, bias, shape, a.rank === 1, b.rank === 1), full);
  const [aM, aK] = transposeA ? [1, m] : [k, 1];
  const [bK, bN] = transposeB ? [1, k] : [n, 1];
  const aBatch = batchStrides(a, batch);
  const bBatch = batchStrides(b, batch);
  const outer = full.slice(0, -1).map((size, i): BatchDim => {
    const rows = i === full.length - 2;
    return [size, rows ? aM : (aBatch[i] as number), rows ? 0 : (bBatch[i] as number), biasStrides[i] as number];
  });
  return contraction({ outer, inner: [[k, aK, bK]], n, bN, biasN: biasStrides.at(-1) as number, shape });
}

/** C[outer..., n] = the sum over `inner` of A[outer..., inner...] B[outer..., inner..., n]. */
export interface Contraction {
  readonly outer: readonly BatchDim[];
  /** At most four. */
  readonly inner: readonly RunDim[];
  readonly n: number;
  readonly bN: number;
  readonly biasN: number;
  readonly shape: Shape;
}

/** A contraction as a product of as few matrices as it takes: [B, T, K] x [K, N] runs as [B T, K] x [K, N]. */
export function contraction({ outer, inner, n, bN, biasN, shape }: Contraction): Problem {
  const dims = merge(outer);
  const runs = inner.length > 1 ? merge(inner).map(([size, a, b]): RunDim => [size, a, b]) : [...inner];
  const [m, aM, , biasM]: BatchDim = dims.at(-1)?.[2] === 0 ? (dims.pop() as BatchDim) : [1, 0, 0, 0];
  const [k, aK, bK] = runs.pop() ?? [1, 1, 1];
  const batch = sizeOf(dims.map(([size]) => size));
  const problem = { m, n, k, aM, aK, bK, bN, biasM, biasN, dims, batch, runs, swapped: false, shape };
  return n === 1 ? swap(problem) : problem;
}

/** Dimensions in as few as it takes. */
function merge(dims: readonly (BatchDim | RunDim)[]): BatchDim[] {
  const walk = collapse(
    dims.map(([size]) => size),
    [1, 2, 3].map((i) => dims.map((dim) => dim[i] ?? 0)),
  );
  const [a = [], b = [], bias = []] = walk.strides;
  return walk.shape.map((size, i): BatchDim => [size, a[i] as number, b[i] as number, bias[i] as number]);
}

/** The transposed product; the result is the same array where it has only one row or column. */
function swap(p: Problem): Problem {
  return {
    ...p,
    m: p.n,
    n: p.m,
    aM: p.bN,
    aK: p.bK,
    bK: p.aK,
    bN: p.aM,
    biasM: p.biasN,
    biasN: p.biasM,
    dims: p.dims.map(([size, a, b, bias]): BatchDim => [size, b, a, bias]),
    runs: p.runs.map(([size, a, b]): RunDim => [size, b, a]),
    swapped: !p.swapped,
  };
}

const named = (t: Tensor, transposed: boolean) => `${describe(t)}${transposed ? ' transposed' : ''}`;

function lastTwo(shape: Shape, transposed: boolean): [number, number] {
  const [r, c] = shape.slice(-2) as [number, number];
  return transposed ? [c, r] : [r, c];
}

function broadcast(a: Shape, b: Shape): number[] | null {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** The strides of an operand's batch, as if it had the broadcast one. */
function batchStrides(t: Tensor, batch: Shape): number[] {
  const matrix = sizeOf(t.shape.slice(-2));
  return broadcastStrides(t.shape.slice(0, -2), batch).map((s) => s * matrix);
}

/** The shape of bias with ones for the dimensions that it, or an output of vectors, lacks: rows and columns included. */
function biasDims(op: string, bias: Tensor | undefined, shape: Shape, vectorA: boolean, vectorB: boolean): number[] {
  const given = bias?.shape ?? [];
  const lead = shape.length - given.length;
  const fits = lead >= 0 && given.every((n, i) => n === 1 || n === shape[i + lead]);
  if (!fits)
    throw new ShapeError(
      op,
      `bias must broadcast to the output [${shape.join(', ')}], got ${describe(bias as Tensor)}`,
    );
  const full = [...Array.from({ length: lead }, () => 1), ...given];
  const n = vectorB ? 1 : (full.pop() as number);
  const m = vectorA ? 1 : (full.pop() as number);
  return [...full, m, n];
}
