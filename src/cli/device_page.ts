// Where `fovea info` and `fovea tune` run: in a page of headless Chrome, or in Node on Dawn. Everything goes in and out as JSON.
import { Gpu } from '../index.ts';
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

/** What there is to know of the device, with the plans of `tuning` where it is given; `applied` is null where it is not. */
export async function info(tuning: Tuning | null): Promise<Description & { readonly applied: boolean | null }> {
  const gpu = await Gpu.create();
  const applied = tuning && applyTuning(gpu, tuning);
  const description = { ...describe(gpu), applied };
  gpu.destroy();
  return description;
}

/** Times the plans of ops. */
export async function measurePlans(options: Omit<TuneOptions, 'onProgress' | 'signal'>): Promise<Tuning> {
  const gpu = await Gpu.create();
  const tuning = await tune(gpu, { ...options, onProgress: (p) => void progress(p) });
  gpu.destroy();
  return tuning;
}
