import { type Shape, sizeOf } from '../../src/host.ts';
import { parameter } from '../../src/nn/parameter.ts';
import { philoxNormals } from '../../src/random/philox.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../../src/testing/check.ts';
import { gpu } from '../helpers/gpu.ts';

/** Nine tensors, so that packing takes two dispatches: odd sizes, one element, none, beyond a workgroup, and at the end one without a gap. */
export const SHAPES: readonly Shape[] = [[3, 5], [1], [0, 4], [2, 2], [65], [7, 11, 13], [], [127], [64]];

export const first = (k: number, shape: Shape): Float64Array =>
  philoxNormals(1, 1000 * k, sizeOf(shape)).map(Math.fround);
export const gradient = (step: number, k: number, shape: Shape): Float64Array =>
  philoxNormals(2 + step, 1000 * k, sizeOf(shape)).map((v) => Math.fround(v * 10 ** (k - 4)));

export function make(shapes = SHAPES, device = gpu): Tensor[] {
  return shapes.map((shape, k) => parameter(device.tensor(Float32Array.from(first(k, shape)), shape)));
}

export function gradients(step: number): Tensor[] {
  return SHAPES.map((shape, k) => gpu.tensor(Float32Array.from(gradient(step, k, shape)), shape));
}

export async function agree(params: readonly Tensor[], want: readonly Float64Array[], rms: number): Promise<void> {
  for (const [k, p] of params.entries()) {
    const data = want[k] as Float64Array;
    expectClose(`parameter ${k}`, { shape: p.shape, data: await p.data() }, { shape: p.shape, data }, rms);
  }
}
