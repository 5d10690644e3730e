// Where `fovea info` and `fovea tune` run: in a page of headless Chrome, or in Node on Dawn. Everything goes in and out as JSON.
import { FoveaError, Gpu } from '../index.ts';
import {
  applyTuning,
  type Description,
  describe,
  type Progress,
  type TuneOptions,
  type Tuning,
  tune,
} from '../tune/index.ts';

/** Called in the process that started the page, before each problem. */
declare const progress: (progress: Progress) => Promise<void> | void;

/** What the user can mend comes back as a sentence. */
export type Answer<T> = { readonly answer: T } | { readonly refused: string };

export interface Info extends Description {
  /** Whether the tuning is of this adapter and version; null where there is none. */
  readonly applied: boolean | null;
}

/** What there is to know of the device, with the plans of `tuning` where it is given. */
export const info = (tuning: Tuning | null): Promise<Answer<Info>> =>
  onDevice(async (gpu) => {
    const applied = tuning && applyTuning(gpu, tuning);
    return { ...describe(gpu), applied };
  });

/** Times the plans of ops. */
export const measurePlans = (options: Omit<TuneOptions, 'onProgress' | 'signal'>): Promise<Answer<Tuning>> =>
  onDevice((gpu) => tune(gpu, { ...options, onProgress: (p) => void progress(p) }));

async function onDevice<T>(work: (gpu: Gpu) => Promise<T>): Promise<Answer<T>> {
  const gpu = await Gpu.create();
  try {
    return { answer: await work(gpu) };
  } catch (error) {
    if (error instanceof FoveaError) return { refused: error.message };
    throw error;
  } finally {
    gpu.destroy();
  }
}
