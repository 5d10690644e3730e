import type { Tensor } from '../../tensor.ts';
import { add, type BinaryOp, div, mul, type Operand, pow, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { equal, greater, greaterEqual, logicalAnd } from '../compare.ts';
import { log, neg } from '../unary.ts';
import { where } from '../where.ts';

/** dy times the partial derivative of a binary op, in ordinary ops, before what was broadcast is summed. */
type Partial = (dy: Tensor, a: Operand, b: Operand) => Tensor;

/** 1 where a > b, 1/2 where they are equal, 0 elsewhere. */
const share = (dy: Tensor, a: Operand, b: Operand): Tensor =>
  add(cast(greater(a, b), dy.dtype), mul(cast(equal(a, b), dy.dtype), 0.5));

/** b a^(b - 1), and 0 where b is 0, even for a = 0. */
function byBase(a: Operand, b: Operand): Tensor {
  if (typeof b === 'number') return b === 0 ? mul(a as Tensor, 0) : mul(pow(a, b - 1), b);
  return where(equal(b, 0), 0, mul(b, pow(a, sub(b, 1))));
}

/** a^b log(a), and 0 where a is 0 and b is not negative. */
function byExponent(a: Operand, b: Operand): Tensor {
  const y = pow(a, b);
  if (typeof a !== 'number') return mul(y, log(where(logicalAnd(equal(a, 0), greaterEqual(b, 0)), 1, a)));
  return a === 0 ? where(greaterEqual(b, 0), 0, mul(y, -Infinity)) : mul(y, Math.log(a));
}

/** By the first and by the second operand. */
export const partials: Readonly<Record<Exclude<BinaryOp, 'ADD' | 'SUB'>, readonly [Partial, Partial]>> = {
  MUL: [(dy, _, b) => mul(dy, b), (dy, a) => mul(dy, a)],
  DIV: [(dy, _, b) => div(dy, b), (dy, a, b) => neg(div(mul(dy, div(a, b)), b))],
  POW: [(dy, a, b) => mul(dy, byBase(a, b)), (dy, a, b) => mul(dy, byExponent(a, b))],
  MAXIMUM: [(dy, a, b) => mul(dy, share(dy, a, b)), (dy, a, b) => mul(dy, share(dy, b, a))],
  MINIMUM: [(dy, a, b) => mul(dy, share(dy, b, a)), (dy, a, b) => mul(dy, share(dy, a, b))],
};
