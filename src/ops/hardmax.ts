import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { argmax } from './arg_reduce.ts';
import { checkAxis, checkFloat } from './check.ts';
import { oneHot } from './gather.ts';

/**
 * 1 at the maximum of each row along an axis, 0 elsewhere; of equals, and of several NaN, at the first, as ONNX's Hardmax. Its gradient is 0.
 *
 * @param x any shape of rank 1 or more, f32 or f16
 * @param options `axis`, default the last
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range; DTypeError for integers and bool
 */
export function hardmax(x: Tensor, options: { readonly axis?: number } = {}): Tensor {
  checkFloat('hardmax', 'x', x);
  const axis = checkAxis('hardmax', options.axis ?? -1, x);
  const { gpu, shape, dtype } = x;
  if (x.size === 0) return gpu.empty(shape, dtype, 'hardmax');
  return scope(() => oneHot(argmax(x, { axis }), shape[axis] as number, { axis, dtype }));
}
