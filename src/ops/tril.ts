import { triangle } from '../generated/kernels.ts';
import { describe } from '../host.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './check.ts';
import { overWords, recordLinear } from './strided.ts';

export interface TriangleOptions {
  /** Which diagonal bounds the triangle, and still belongs to it: 0 (default) the main one, positive above it, negative below. */
  readonly diagonal?: number;
}

/**
 * The lower triangle of matrices: `y[.., r, c] = x[.., r, c]` where `c - r <= diagonal`, else 0 (false).
 *
 * @param x rank 2 or more, any dtype
 */
export function tril(x: Tensor, options: TriangleOptions = {}): Tensor {
  return part('tril', x, options.diagonal ?? 0, false);
}

/**
 * The upper triangle of matrices: `y[.., r, c] = x[.., r, c]` where `c - r >= diagonal`, else 0 (false).
 *
 * @param x rank 2 or more, any dtype
 */
export function triu(x: Tensor, options: TriangleOptions = {}): Tensor {
  return part('triu', x, options.diagonal ?? 0, true);
}

function part(op: string, x: Tensor, diagonal: number, UPPER: boolean): Tensor {
  checkTensor(op, 'x', x);
  if (x.rank < 2) throw new ShapeError(op, `x must have at least 2 dimensions, got ${describe(x)}`);
  if (!Number.isInteger(diagonal) || Math.abs(diagonal) > 2 ** 31 - 1)
    throw new ArgumentError(op, `diagonal must be a whole number, got ${diagonal}`);
  const [rows, cols] = x.shape.slice(-2) as [number, number];
  const y = overWords(x, (words) => {
    const y = words.gpu.empty(words.shape, words.dtype, op);
    dispatch(words.gpu, triangle, { x: words, y }, { size: y.size, rows, cols, diagonal }, grid(y.size, 256), {
      UPPER,
    });
    return y;
  });
  return recordLinear(op, x, y, (dy) => part(op, dy, diagonal, UPPER));
}
