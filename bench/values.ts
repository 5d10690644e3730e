import { type DType, fromHalf, type Shape, sizeOf, toHalf } from '../src/host.ts';
import { testRandom } from '../src/testing/index.ts';
import type { HostInput } from './bench.ts';

/** An input of floats. */
export type FloatInput = HostInput & { readonly data: Float32Array<ArrayBuffer>; readonly dtype: 'f32' | 'f16' };

/** Uniform numbers in [low, high) from a seed, exact in the dtype: what both the device and the reference compute with. */
export function uniform(
  shape: Shape,
  seed: number,
  dtype: 'f32' | 'f16' = 'f32',
  [low, high]: readonly [number, number] = [-1, 1],
): FloatInput {
  const random = testRandom(seed);
  const next = () => low + (high - low) * random();
  const exact = dtype === 'f16' ? () => fromHalf(toHalf(next())) : next;
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, exact), dtype };
}

export const zeros = (shape: Shape): HostInput => ({ shape, data: new Float32Array(sizeOf(shape)) });

/** Indices in [0, below) from a seed. */
export function indices(shape: Shape, seed: number, below: number): HostInput {
  const random = testRandom(seed);
  return { shape, data: Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(below * random())) };
}

/** What arrays of a dtype occupy. */
export const bytesOf = (dtype: DType, arrays: readonly { readonly shape: Shape }[]): number =>
  (dtype === 'f16' ? 2 : 4) * arrays.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** An array [A, B, C, D] as [A, C, B, D]: attention's heads before its rows, or after them. */
export function swapMiddle<T extends Float32Array<ArrayBuffer> | Float64Array>(data: T, shape: Shape): T {
  const [A, B, C, D] = shape as [number, number, number, number];
  const swapped = data.slice() as T;
  for (let row = 0; row < A * B * C; row++) {
    const [a, b, c] = [Math.floor(row / (B * C)), Math.floor(row / C) % B, row % C];
    swapped.set(data.subarray(row * D, (row + 1) * D), ((a * C + c) * B + b) * D);
  }
  return swapped;
}
