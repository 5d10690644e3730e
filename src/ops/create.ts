import { arange as arangeKernel } from '../generated/kernels.ts';
import { checkDTypeName, type DType, type Shape, toHalf } from '../host.ts';
import { ArgumentError, DTypeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkNumber } from './check.ts';

/**
 * A tensor with `value` everywhere.
 *
 * @param shape any
 * @param value a number the dtype can hold; for bool 0, 1, false or true
 * @param dtype default f32
 * @throws ArgumentError when an integer dtype or bool cannot hold `value`; DTypeError for an unknown dtype
 */
export function full(gpu: Gpu, shape: Shape, value: number | boolean, dtype: DType = 'f32'): Tensor {
  checkDTypeName('full', dtype);
  const bits = bitsOf('full', 'value', Number(value), dtype);
  const out = gpu.empty(shape, dtype, 'full');
  gpu.fillWords(out, bits);
  return out;
}

/**
 * `[start, start + step, start + 2 step, ...]` up to but without `stop`; `arange(gpu, n)` counts from 0 to n - 1.
 *
 * @param start default 0
 * @param step  default 1; negative counts down; not 0
 * @param dtype f32 (default), i32 or u32; integers take whole numbers only
 * @returns `[ceil((stop - start) / step)]`, empty where `stop` lies the wrong way
 * @throws ArgumentError for values that the dtype cannot hold or a step of 0; DTypeError for other dtypes
 */
export function arange(gpu: Gpu, n: number): Tensor;
export function arange(gpu: Gpu, start: number, stop: number, step?: number, dtype?: DType): Tensor;
export function arange(gpu: Gpu, first: number, second?: number, step = 1, dtype: DType = 'f32'): Tensor {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (dtype !== 'f32' && dtype !== 'i32' && dtype !== 'u32')
    throw new DTypeError('arange', `dtype must be f32, i32 or u32, got ${dtype}`);
  if (!Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step) || step === 0) {
    throw new ArgumentError(
      'arange',
      `start, stop and step must be finite and step not 0, got ${start}, ${stop}, ${step}`,
    );
  }
  const size = Math.max(0, Math.ceil((stop - start) / step));
  const from = bitsOf('arange', 'start', start, dtype);
  // A step of u32 may be negative: it wraps around.
  const by = dtype === 'u32' ? bitsOf('arange', 'step', step, 'i32') : bitsOf('arange', 'step', step, dtype);
  if (size > 0) bitsOf('arange', 'the last value', start + (size - 1) * step, dtype);
  const out = gpu.empty([size], dtype, 'arange');
  dispatch(gpu, arangeKernel, { out }, { size, start: from, step: by }, grid(size, 256));
  return out;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The word that a tensor of `dtype` filled with `value` is made of. */
function bitsOf(op: string, name: string, value: number, dtype: DType): number {
  if (dtype === 'f16') return toHalf(value) * 0x10001;
  if (dtype === 'f32') {
    scratch.setFloat32(0, value);
    return scratch.getUint32(0);
  }
  checkNumber(op, value, dtype, name);
  return dtype === 'bool' ? value * 0x01010101 : value >>> 0;
}
