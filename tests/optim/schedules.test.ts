import { expect, test } from 'vitest';
import { constant, cosineDecay, linearDecay, linearWarmup, stepDecay } from '../../src/optim/index.ts';

const at = (schedule: (step: number) => number, ...steps: number[]): number[] => steps.map(schedule);

test('schedules at their corners', () => {
  expect(at(constant(3), 0, 10)).toEqual([3, 3]);
  expect(at(linearWarmup(8, 4), 0, 1, 3, 4, 100)).toEqual([2, 4, 8, 8, 8]);
  expect(at(linearWarmup(8, 0), 0)).toEqual([8]);
  expect(at(linearWarmup(8, 4, linearDecay(8, 8)), 3, 4, 8, 12)).toEqual([8, 8, 4, 0]);
  expect(at(linearDecay(8, 4, 2), 0, 2, 4, 5)).toEqual([8, 5, 2, 2]);
  expect(at(linearDecay(8, 0, 2), 0)).toEqual([2]);
  const cosine = at(cosineDecay(8, 4, 2), 0, 1, 2, 4, 9);
  [8, 5 + 3 * Math.SQRT1_2, 5, 2, 2].forEach((v, i) => expect(cosine[i]).toBeCloseTo(v, 12));
  expect(at(stepDecay(8, 10, 0.5), 0, 9, 10, 25)).toEqual([8, 8, 4, 2]);
});
