import { compare as compareKernel, logical as logicalKernel } from '../generated/kernels.ts';
import { words } from '../host.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { type Operand, walk } from './binary.ts';
import { checkDType, checkFloat } from './check.ts';
import { abs } from './unary.ts';

function compare(name: string, op: keyof typeof compareKernel.ops, a: Operand, b: Operand): Tensor {
  const { u, v, shape, value, params, constants } = walk(name, a, b, 'f32', 'f16', 'i32', 'u32');
  const out = u.gpu.empty(shape, 'bool', name);
  const FLOAT = u.dtype === 'f32' || u.dtype === 'f16';
  const all = { size: out.size, value, bits: FLOAT ? 0 : value, ...params };
  dispatch(u.gpu, compareKernel, { a: u, b: v, out }, all, grid(words(shape, 'bool'), 256), {
    OP: compareKernel.ops[op],
    ...constants,
    FLOAT,
  });
  return out;
}

function logical(name: string, op: keyof typeof logicalKernel.ops, a: Operand, b: Operand): Tensor {
  const { u, v, shape, value, params, constants } = walk(name, a, b, 'bool');
  const out = u.gpu.empty(shape, 'bool', name);
  const all = { size: out.size, value: value * 0x01010101, ...params };
  dispatch(u.gpu, logicalKernel, { a: u, b: v, out }, all, grid(words(shape, 'bool'), 256), {
    OP: logicalKernel.ops[op],
    ...constants,
  });
  return out;
}

const isBool = (t: Operand): boolean => typeof t !== 'number' && t?.dtype === 'bool';

/**
 * Whether a = b, element by element; NaN equals nothing.
 *
 * @param a any shape and dtype, or a number
 * @param b a shape that broadcasts with that of `a`, same dtype; or a number
 * @returns bool of the broadcast shape
 * @throws ShapeError, DTypeError (mixed dtypes), ArgumentError (two numbers; a number that the integer dtype lacks)
 */
export const equal = (a: Operand, b: Operand): Tensor =>
  isBool(a) || isBool(b) ? logical('equal', 'XNOR', a, b) : compare('equal', 'EQUAL', a, b);

/** Whether a and b differ, true for NaN; arguments, result and errors as in `equal`. */
export const notEqual = (a: Operand, b: Operand): Tensor =>
  isBool(a) || isBool(b) ? logical('notEqual', 'XOR', a, b) : compare('notEqual', 'NOT_EQUAL', a, b);

/** Whether a < b, false for NaN; arguments, result and errors as in `equal`, without bool. */
export const less = (a: Operand, b: Operand): Tensor => compare('less', 'LESS', a, b);

/** Whether a <= b, false for NaN; arguments, result and errors as in `equal`, without bool. */
export const lessEqual = (a: Operand, b: Operand): Tensor => compare('lessEqual', 'LESS_EQUAL', a, b);

/** Whether a > b, false for NaN; arguments, result and errors as in `equal`, without bool. */
export const greater = (a: Operand, b: Operand): Tensor => compare('greater', 'GREATER', a, b);

/** Whether a >= b, false for NaN; arguments, result and errors as in `equal`, without bool. */
export const greaterEqual = (a: Operand, b: Operand): Tensor => compare('greaterEqual', 'GREATER_EQUAL', a, b);

/** Whether a and b are true. @param a, b bool, of shapes that broadcast. @returns bool of the broadcast shape. @throws ShapeError, DTypeError */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => logical('logicalAnd', 'AND', a, b);

/** Whether a or b is true, or both; arguments, result and errors as in `logicalAnd`. */
export const logicalOr = (a: Tensor, b: Tensor): Tensor => logical('logicalOr', 'OR', a, b);

/** Whether exactly one of a and b is true; arguments, result and errors as in `logicalAnd`. */
export const logicalXor = (a: Tensor, b: Tensor): Tensor => logical('logicalXor', 'XOR', a, b);

/** Whether x is false. @param x bool, any shape. @returns bool of the same shape. @throws DTypeError */
export function logicalNot(x: Tensor): Tensor {
  checkDType('logicalNot', 'x', x, 'bool');
  return logical('logicalNot', 'XOR', x, 1);
}

/** Whether x is NaN. @param x any shape, f32 or f16. @returns bool of the same shape. @throws DTypeError */
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name everyone looks for
export function isNaN(x: Tensor): Tensor {
  checkFloat('isNaN', 'x', x);
  return compare('isNaN', 'NOT_EQUAL', x, x);
}

/** Whether x is Infinity or -Infinity; argument, result and errors as in `isNaN`. */
export function isInf(x: Tensor): Tensor {
  checkFloat('isInf', 'x', x);
  return compare('isInf', 'EQUAL', abs(x), Infinity);
}

/** Whether x is neither infinite nor NaN; argument, result and errors as in `isNaN`. */
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name everyone looks for
export function isFinite(x: Tensor): Tensor {
  checkFloat('isFinite', 'x', x);
  return compare('isFinite', 'LESS', abs(x), Infinity);
}
