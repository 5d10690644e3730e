import { Gpu } from '../../src/runtime/gpu.ts';
import { Guards } from '../../src/testing/guard.ts';

/** The device of the tests, with poisoned allocations and guard words. No adapter is a failure. */
export const gpu = await Gpu.create();
export const guards = new Guards(gpu);
