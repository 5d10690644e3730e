import { describe, expect, test } from 'vitest';
import { estimate, median, pairedRatio, ratio } from '../../../bench/stats.ts';
import { testRandom } from '../../../src/testing/index.ts';

const random = testRandom(7);
/** Log-normal noise around 1, by the central limit. */
const noise = (sigma: number) => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return Math.exp(sigma * sum);
};
const samples = (mean: number, sigma: number, n = 15) => Array.from({ length: n }, () => mean * noise(sigma));

test('medians of odd, even and single counts', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5])]).toEqual([2, 2.5, 5]);
});

test('the same values give the same interval, which holds the median', () => {
  const values = samples(10, 0.1);
  const { median: m, low, high } = estimate(values);
  expect(estimate(values)).toEqual({ median: m, low, high });
  expect(m).toBe(median(values));
  expect(low).toBeLessThanOrEqual(m);
  expect(high).toBeGreaterThanOrEqual(m);
});

test('the interval of 95% holds the true median about 95 times in 100', () => {
  const held = Array.from({ length: 120 }, () => estimate(samples(1, 0.2, 21))).filter(
    (e) => e.low <= 1 && e.high >= 1,
  );
  expect(held.length / 120).toBeGreaterThan(0.9);
  expect(held.length / 120).toBeLessThan(1);
});

describe('ratios', () => {
  test('of runs apart', () => {
    const { median: m, low, high } = ratio([2, 2, 2], [4, 4, 4]);
    expect([m, low, high]).toEqual([0.5, 0.5, 0.5]);
  });

  test('of pairs: a machine that slows down tenfold in between changes nothing', () => {
    const drift = Array.from({ length: 15 }, (_, i) => (i < 7 ? 1 : 10));
    const {
      median: m,
      low,
      high,
    } = pairedRatio(
      drift.map((d) => 3 * d),
      drift.map((d) => 2 * d),
    );
    expect([m, low, high]).toEqual([1.5, 1.5, 1.5]);
  });
});
