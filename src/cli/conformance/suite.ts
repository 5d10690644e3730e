import type { Gpu, Tensor } from '../../index.ts';
import type { HostTensor, Tolerance } from './case.ts';

/** A result of a case beside what it should be. */
export interface Check {
  /** Which result, as the report names it. */
  readonly result: string;
  readonly got: Tensor;
  readonly want: HostTensor;
  readonly tolerance: Tolerance;
}

/**
 * Runs one case of a suite's format.
 *
 * @throws Unsupported for what Fovea does not have; anything else thrown is a failure of the case
 */
export type Suite = (gpu: Gpu, body: unknown) => readonly Check[];

export const close = (atol: number, rtol = atol): Tolerance => ({ metric: 'close', atol, rtol });
export const ulp = (value: number, scale?: number): Tolerance => ({
  metric: 'ulp',
  value,
  ...(scale !== undefined && { scale }),
});
