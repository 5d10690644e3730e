export type { Family, PlanTable } from '../runtime/adapter.ts';
export { type Description, describe, type PlanInUse } from './describe.ts';
export { loadTuning, saveTuning } from './store.ts';
export { type Progress, type TuneOptions, tune } from './tune.ts';
export { type Adapter, applyTuning, type Measurement, type Tuning } from './tuning.ts';
