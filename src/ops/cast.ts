import { record } from '../autograd/tape.ts';
import { cast as castKernel } from '../generated/kernels.ts';
import { checkDTypeName, type DType, words } from '../host.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkTensor } from './check.ts';
import { notEqual } from './compare.ts';

const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16';

/** Ends of the integer types: as floats, and as bits. */
const RANGE = {
  i32: { low: -(2 ** 31), high: 2 ** 31, lowest: 0x80000000, highest: 0x7fffffff },
  u32: { low: 0, high: 2 ** 32, lowest: 0, highest: 0xffffffff },
};

/**
 * The same values in another dtype. Floats become integers by truncation toward zero; beyond the range they saturate, and NaN becomes 0.
 * i32 and u32 become each other modulo 2^32. To bool: whether the value is not 0 (NaN is not). Differentiable between f32 and f16.
 *
 * @param x any shape and dtype
 * @returns the shape of `x`; `x` itself where the dtype is the same already
 * @throws DTypeError for an unknown dtype; LimitError for f16 on a device without it
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', 'x', x);
  checkDTypeName('cast', dtype);
  if (x.dtype === dtype) return x;
  if (dtype === 'bool') return notEqual(x, 0);
  const { gpu, shape, size } = x;
  const y = gpu.empty(shape, dtype, 'cast');
  const PACKED = x.dtype === 'bool';
  const SATURATE = isFloat(x.dtype) && !isFloat(dtype);
  using from = PACKED ? x.reinterpret('u32', [words(shape, 'bool')]) : x.alias();
  dispatch(gpu, castKernel, { x: from, y }, { size, ...RANGE[dtype === 'u32' ? 'u32' : 'i32'] }, grid(size, 1024), {
    PACKED,
    SATURATE,
  });
  if (isFloat(x.dtype) && isFloat(dtype)) {
    const own = x.dtype;
    record({ op: 'cast', inputs: [x], outputs: [y], backward: ([dy]) => [cast(dy as Tensor, own)], plain: 'composed' });
  }
  return y;
}
