export { type CheckOptions, checkOp, expectClose, type Input, type Nd, type Reference } from './check.ts';
export { Guards, type Poison } from './guard.ts';
export { testRandom } from './random.ts';
