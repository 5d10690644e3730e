// How TensorFlow.js treats the types of operands.
import { cast, type Tensor } from '../../../index.ts';
import { originOf, Unsupported } from '../args.ts';
import { elementsOf } from '../case.ts';

/** Integers and bools become floats where the operator has only these. */
export const float = (x: Tensor): Tensor => (x.dtype === 'f32' || x.dtype === 'f16' ? x : cast(x, 'f32'));

/** bool counts as int32. */
export const number = (x: Tensor): Tensor => (x.dtype === 'bool' ? cast(x, 'i32') : x);

/** The wider type of the two, as TensorFlow.js upcasts: float32, int32, bool. */
export function promote(a: Tensor, b: Tensor): [Tensor, Tensor] {
  if (a.dtype === b.dtype) return [a, b];
  const dtype = a.dtype === 'f32' || b.dtype === 'f32' ? 'f32' : 'i32';
  return [cast(a, dtype), cast(b, dtype)];
}

/** A tensor in which there is no NaN: some operators pass over it, where Fovea finds it. */
export function withoutNaN(x: Tensor): Tensor {
  const origin = originOf(x);
  if (origin && elementsOf(origin).some(Number.isNaN)) throw new Unsupported('NaN passed over');
  return x;
}
