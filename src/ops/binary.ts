import { record, recording } from '../autograd/tape.ts';
import { binaryBackward, binaryInt, binary as binaryKernel } from '../generated/kernels.ts';
import type { DType, Shape } from '../host.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastShapes, checkDType, checkNumber, checkSameDType } from './check.ts';
import { sumTo } from './reduce.ts';
import { partials } from './reference/binary.ts';
import { broadcastWalk } from './strides.ts';
import { neg, square } from './unary.ts';

/** A tensor, or a number: a tensor of that value in any shape, in the other operand's dtype. */
export type Operand = Tensor | number;
export type BinaryOp = keyof typeof binaryKernel.ops;

const NUMBERS: readonly DType[] = ['f32', 'f16', 'i32', 'u32'];

/** What the kernels of this family are told. Where an operand is a number, the other is bound in its place, and not read. */
interface Walk {
  readonly u: Tensor;
  readonly v: Tensor;
  readonly shape: Shape;
  readonly value: number;
  readonly params: { readonly shape: number[]; readonly aStrides: number[]; readonly bStrides: number[] };
  readonly constants: { readonly RANK: number; readonly NUMBER: number };
}

/** @internal Checks the operands of a binary op and works out how to walk over them. */
export function walk(name: string, a: Operand, b: Operand, ...dtypes: DType[]): Walk {
  if (typeof a === 'number' && typeof b === 'number')
    throw new ArgumentError(name, `a or b must be a tensor, got ${a} and ${b}`);
  const [u, v] = [typeof a === 'number' ? (b as Tensor) : a, typeof b === 'number' ? (a as Tensor) : b];
  const [value, NUMBER] = typeof a === 'number' ? [a, 1] : typeof b === 'number' ? [b, 2] : [0, 0];
  checkDType(name, typeof a === 'number' ? 'b' : 'a', u, ...dtypes);
  checkSameDType(name, { a: u, b: v });
  if (NUMBER > 0) checkNumber(name, value, u.dtype);
  const shape = broadcastShapes(name, { a: u, b: v });
  const { rank: RANK, shape: loops, strides } = broadcastWalk(shape, [u.shape, v.shape]);
  const [aStrides, bStrides] = strides as [number[], number[]];
  return { u, v, shape, value, params: { shape: loops, aStrides, bStrides }, constants: { RANK, NUMBER } };
}

function binary(name: string, op: BinaryOp, a: Operand, b: Operand): Tensor {
  const { u, v, shape, value, params, constants } = walk(name, a, b, ...NUMBERS);
  const { gpu, dtype } = u;
  const out = gpu.empty(shape, dtype, name);
  const { size } = out;
  const kernel = dtype === 'f32' || dtype === 'f16' ? binaryKernel : binaryInt;
  dispatch(gpu, kernel, { a: u, b: v, out }, { size, value, ...params }, grid(size, 1024), {
    OP: kernel.ops[op],
    ...constants,
  });
  // Numbers have no place among the inputs: which operand each input is.
  const sides = [a, b].flatMap((t, side) => (typeof t === 'number' ? [] : [side]));
  const inputs = sides.map((side) => (side === 0 ? a : b) as Tensor);
  const shapes = inputs.map((t) => t.shape);
  record({
    op: name,
    inputs,
    outputs: [out],
    saved: op === 'ADD' || op === 'SUB' ? [] : inputs,
    backward: ([dy], saved, needs) => {
      const at = <T>(list: readonly T[], side: number, number: T): T =>
        sides.includes(side) ? (list[sides.indexOf(side)] as T) : number;
      const wanted = [at(needs, 0, false), at(needs, 1, false)] as const;
      const operands = [at<Operand>(saved, 0, value), at<Operand>(saved, 1, value)] as const;
      const parts =
        op === 'ADD' || op === 'SUB' ? [dy, dy] : differentiate(name, op, dy as Tensor, ...operands, wanted);
      return sides.map((side, i) => {
        if (!needs[i]) return null;
        const part = sumTo(parts[side] as Tensor, shapes[i] as Shape);
        return op === 'SUB' && side === 1 ? neg(part) : part;
      });
    },
    plain: 'composed',
  });
  return out;
}

/** dy * df/da and dy * df/db, in the shape of dy, where wanted. */
function differentiate(
  name: string,
  op: Exclude<BinaryOp, 'ADD' | 'SUB'>,
  dy: Tensor,
  a: Operand,
  b: Operand,
  wanted: readonly [boolean, boolean],
): (Tensor | null)[] {
  if (recording()) return partials[op].map((partial, side) => (wanted[side] ? partial(dy, a, b) : null));
  const { u, v, value, params, constants } = walk(name, a, b, ...NUMBERS);
  const { gpu, dtype, size } = dy;
  const [da, db] = wanted.map((w) => gpu.empty(w ? dy.shape : [1], dtype, name)) as [Tensor, Tensor];
  const NEEDS = (wanted[0] ? 1 : 0) + (wanted[1] ? 2 : 0);
  const OP = binaryBackward.ops[op];
  dispatch(gpu, binaryBackward, { dy, a: u, b: v, da, db }, { size, value, ...params }, grid(size, 1024), {
    OP,
    ...constants,
    NEEDS,
  });
  return [wanted[0] ? da : null, wanted[1] ? db : null];
}

/**
 * a + b.
 *
 * @param a any shape; f32, f16, i32 or u32, or a number
 * @param b a shape that broadcasts with that of `a`, same dtype; or a number
 * @returns the broadcast shape, dtype of the operands; integers wrap around
 * @throws ShapeError, DTypeError (bool, mixed dtypes), ArgumentError (two numbers; a number that the integer dtype lacks)
 */
export const add = (a: Operand, b: Operand): Tensor => binary('add', 'ADD', a, b);

/** a - b; arguments, result and errors as in `add`. */
export const sub = (a: Operand, b: Operand): Tensor => binary('sub', 'SUB', a, b);

/** a * b; arguments, result and errors as in `add`. */
export const mul = (a: Operand, b: Operand): Tensor => binary('mul', 'MUL', a, b);

/** a / b; arguments, result and errors as in `add`. Integers truncate toward zero, and divided by zero they give 0. */
export const div = (a: Operand, b: Operand): Tensor => binary('div', 'DIV', a, b);

/**
 * a to the power of b; arguments, result and errors as in `add`. As in C: x^0 = 1 for any x, and a negative base with a fractional
 * exponent is NaN. Integers: by squaring, modulo 2^32; a negative exponent truncates 1 / a^-b (0 for a = 0). The gradient by the base
 * is 0 for exponent 0, that by the exponent is 0 for base 0 (and exponent >= 0), as in PyTorch.
 */
export function pow(a: Operand, b: Operand): Tensor {
  // By far the most common power, and several times cheaper than powers in general.
  if (b === 2 && typeof a !== 'number' && NUMBERS.includes(a.dtype)) return square(a);
  return binary('pow', 'POW', a, b);
}

/** The larger of a and b, NaN if either is; arguments, result and errors as in `add`. Where they are equal each gets half the gradient. */
export const maximum = (a: Operand, b: Operand): Tensor => binary('maximum', 'MAXIMUM', a, b);

/** The smaller of a and b, NaN if either is; arguments, result and errors as in `add`. Where they are equal each gets half the gradient. */
export const minimum = (a: Operand, b: Operand): Tensor => binary('minimum', 'MINIMUM', a, b);
