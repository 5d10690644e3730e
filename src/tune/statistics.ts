/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/**
 * A 95% confidence interval of the median, whatever the distribution: from the k-th smallest to the k-th largest value, where a fair coin
 * thrown n times shows heads fewer than k times, or tails, in at most 5% of cases. Of fewer than 6 values it is all of them.
 */
export function interval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let k = 0;
  // The chance of at most k heads.
  let term = 0.5 ** n;
  for (let tail = term; 2 * tail <= 0.05; k++) {
    term *= (n - k) / (k + 1);
    tail += term;
  }
  const at = Math.max(k - 1, 0);
  return [sorted[at] ?? Number.NaN, sorted[n - 1 - at] ?? Number.NaN];
}

/** The largest error of floats, relative to the norm of what they should be. */
const TOLERANCE = 1e-5;

type Values = ArrayLike<number>;

/** In words, how results differ from what they should be beyond rounding; null where they do not. */
export function disagreement(got: readonly Values[], want: readonly Values[]): string | null {
  for (const [i, w] of want.entries()) {
    const g = got[i] ?? [];
    const error = g instanceof Float32Array ? relativeError(g, w) : Number(Array.from(w).some((v, j) => v !== g[j]));
    if (g.length !== w.length || !(error <= TOLERANCE)) return `output ${i} is off by ${error.toExponential(1)}`;
  }
  return null;
}

function relativeError(got: Values, want: Values): number {
  let [error, norm] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const w = want[i] as number;
    error += ((got[i] as number) - w) ** 2;
    norm += w * w;
  }
  return Math.sqrt(error / Math.max(norm, 1e-30));
}
