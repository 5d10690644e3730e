import { record } from '../autograd/tape.ts';
import { where as whereKernel } from '../generated/kernels.ts';
import type { Shape } from '../host.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import type { Operand } from './binary.ts';
import { broadcastShapes, checkDType, checkNumber, checkSameDType } from './check.ts';
import { logicalAnd, logicalNot, logicalOr } from './compare.ts';
import { full } from './create.ts';
import { sumTo } from './reduce.ts';
import { broadcastWalk } from './strides.ts';

/**
 * a where `cond` is true, else b. Gradients: dy where the operand was taken, else 0, whatever dy is.
 *
 * @param cond bool, any shape
 * @param a    a shape that broadcasts with the others; any dtype; or a number
 * @param b    likewise, same dtype; or a number, but not both
 * @returns the broadcast shape of the three, dtype of `a` and `b`
 * @throws ShapeError, DTypeError, ArgumentError (two numbers; a number that the dtype lacks)
 */
export function where(cond: Tensor, a: Operand, b: Operand): Tensor {
  checkDType('where', 'cond', cond, 'bool');
  if (typeof a === 'number' && typeof b === 'number')
    throw new ArgumentError('where', `a or b must be a tensor, got ${a} and ${b}`);
  const [u, v] = [typeof a === 'number' ? (b as Tensor) : a, typeof b === 'number' ? (a as Tensor) : b];
  const [value, NUMBER] = typeof a === 'number' ? [a, 1] : typeof b === 'number' ? [b, 2] : [0, 0];
  checkSameDType('where', { a: u, b: v });
  checkNumber('where', value, u.dtype);
  const shape = broadcastShapes('where', { cond, a: u, b: v });
  if (u.dtype === 'bool') return chooseBool(cond, a, b);
  const { gpu, dtype } = u;
  const out = gpu.empty(shape, dtype, 'where');
  const { rank: RANK, shape: loops, strides } = broadcastWalk(shape, [cond.shape, u.shape, v.shape]);
  const [condStrides, aStrides, bStrides] = strides as [number[], number[], number[]];
  const FLOAT = dtype === 'f32' || dtype === 'f16';
  const { size } = out;
  const params = { size, value, bits: FLOAT ? 0 : value, shape: loops, condStrides, aStrides, bStrides };
  dispatch(gpu, whereKernel, { cond, a: u, b: v, out }, params, grid(size, 1024), { RANK, NUMBER, FLOAT });
  recordWhere(cond, a, b, out);
  return out;
}

function recordWhere(cond: Tensor, a: Operand, b: Operand, out: Tensor): void {
  const sides = [a, b].flatMap((t, side) => (typeof t === 'number' ? [] : [side]));
  const inputs = sides.map((side) => (side === 0 ? a : b) as Tensor);
  const shapes = inputs.map((t) => t.shape);
  record({
    op: 'where',
    inputs,
    outputs: [out],
    saved: [cond],
    backward: ([dy], [cond], needs) =>
      sides.map((side, i) => {
        if (!needs[i]) return null;
        const [c, g] = [cond, dy] as [Tensor, Tensor];
        return sumTo(side === 0 ? where(c, g, 0) : where(c, 0, g), shapes[i] as Shape);
      }),
    plain: 'composed',
  });
}

/** Bools lie four to a word, which the kernel does not write. */
function chooseBool(cond: Tensor, a: Operand, b: Operand): Tensor {
  const tensor = (t: Operand) => (typeof t === 'number' ? full(cond.gpu, [], t, 'bool') : t);
  return logicalOr(logicalAnd(cond, tensor(a)), logicalAnd(logicalNot(cond), tensor(b)));
}
