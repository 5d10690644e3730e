import { testRandom } from '../src/testing/index.ts';
import { median } from '../src/tune/statistics.ts';

export { median };

/** A median with the interval that holds it in 95% of bootstrap samples. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;

/** The median and its percentile-bootstrap interval (Efron 1979); the same values give the same interval. */
export function estimate(values: readonly number[]): Estimate {
  return bootstrap((draw) => median(draw(values)), median(values));
}

/** How much slower `a` is than `b`: the ratio of their medians, resampled apart, for samples of two runs of the benchmark. */
export function ratio(a: readonly number[], b: readonly number[]): Estimate {
  return bootstrap((draw) => median(draw(a)) / median(draw(b)), median(a) / median(b));
}

/** The same for samples of one run, taken in turn: what slows the machine for a while slows both, so that rounds are resampled as pairs. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Estimate {
  return estimate(a.map((v, i) => v / (b[i] ?? Number.NaN)));
}

type Draw = (values: readonly number[]) => number[];

function bootstrap(statistic: (draw: Draw) => number, value: number): Estimate {
  const random = testRandom(1);
  const draw: Draw = (values) => values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN);
  const samples = Array.from({ length: RESAMPLES }, () => statistic(draw)).sort((x, y) => x - y);
  const at = (share: number) => samples[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))] ?? Number.NaN;
  return { median: value, low: at(0.025), high: at(0.975) };
}
