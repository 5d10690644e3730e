import { Gpu } from '../../src/runtime/gpu.ts';

/**
 * Runs `f` on a device of its own, without the harness: for tests that count. The harness dispatches too, and tensors that other tests left
 * to the garbage collector change which buffers are free.
 */
export async function bare<T>(f: (gpu: Gpu) => Promise<T>): Promise<T> {
  const gpu = await Gpu.create();
  try {
    return await f(gpu);
  } finally {
    gpu.destroy();
  }
}
