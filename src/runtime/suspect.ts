import { DeviceLostError, FoveaError, OutOfMemoryError } from './errors.ts';
import type { Gpu } from './gpu.ts';

/** Something the device has yet to confirm; `error` is set once it has refused. */
export interface Suspect {
  readonly settled: boolean;
  readonly error: Error | null;
  readonly done: Promise<void>;
}

/** Runs `f` under an error scope; the suspect tells later whether the device took it. `explain` words the refusal. */
export function watch<T>(
  gpu: Gpu,
  op: string,
  filter: GPUErrorFilter,
  f: () => T,
  explain: (message: string) => Promise<Error> = plainly(op, filter),
): { readonly value: T; readonly suspect: Suspect } {
  gpu.device.pushErrorScope(filter);
  let value: T;
  let popped: Promise<GPUError | null>;
  try {
    value = f();
  } finally {
    popped = gpu.device.popErrorScope();
  }
  const settle = async (): Promise<void> => {
    try {
      const refusal = await popped;
      if (refusal) suspect.error = await explain(refusal.message);
    } catch {
      suspect.error = gpu.lost ?? new DeviceLostError(op, 'the GPU device was lost; create a new Gpu');
    }
    suspect.settled = true;
  };
  const suspect: { settled: boolean; error: Error | null; done: Promise<void> } = {
    settled: false,
    error: null,
    done: Promise.resolve(),
  };
  suspect.done = settle();
  return { value, suspect };
}

const plainly =
  (op: string, filter: GPUErrorFilter) =>
  async (message: string): Promise<Error> =>
    filter === 'out-of-memory'
      ? new OutOfMemoryError(op, `the device is out of memory: ${message}`)
      : new FoveaError(op, message);
