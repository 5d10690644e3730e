export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { clipGradNorm } from './clip.ts';
export { Optimizer, type OptimizerOptions } from './optimizer.ts';
export { constant, cosineDecay, linearDecay, linearWarmup, type Schedule, stepDecay } from './schedules.ts';
export { SGD, type SgdOptions } from './sgd.ts';
