import { testRandom } from '../src/testing/index.ts';

/** Uniform f32 numbers in [-1, 1) from a seed: what both the device and the reference compute with. */
export function values(size: number, seed: number): Float32Array<ArrayBuffer> {
  const random = testRandom(seed);
  return Float32Array.from({ length: size }, () => 2 * random() - 1);
}
