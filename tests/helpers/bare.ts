import { gpu } from './gpu.ts';

/** Runs `f` on the tests' device without the harness, whose dispatches would be counted. */
export async function bare<T>(f: () => Promise<T>): Promise<T> {
  const { debug } = gpu;
  gpu.debug = null;
  try {
    return await f();
  } finally {
    gpu.debug = debug;
  }
}
