import type { Measured, MeasuredRow } from '../../../bench/measure.ts';
import { type Estimate, ratio } from '../../../bench/stats.ts';
import { keyOf, type Report } from './report.ts';

/** How much longer a contender takes than it did, with the interval of 95%. */
export interface Change extends Estimate {
  readonly row: string;
  readonly contender: string;
  /** Slower than before by more than the threshold, beyond doubt. */
  readonly slower: boolean;
}

/**
 * The changes of our own contenders from one report to the next, for the rows that both have. Compared are the device's times where both have
 * them, else times relative to the clock load that ran beside each.
 *
 * @param threshold a change by more than this part counts, once the whole interval lies beyond it
 */
export function compare(now: Report, before: Report, threshold: number): Change[] {
  const old = new Map(before.rows.map((row) => [keyOf(row), row]));
  return now.rows.flatMap((row) => {
    const match = old.get(keyOf(row));
    return match ? changesOf(row, match, threshold) : [];
  });
}

function changesOf(now: MeasuredRow, before: MeasuredRow, threshold: number): Change[] {
  return now.contenders.flatMap((contender) => {
    const match = before.contenders.find(({ name }) => name === contender.name);
    if (!match || contender.kind === 'peer') return [];
    const [a, b] = samples(contender, match);
    if (!a || !b) return [];
    const change = ratio(a, b);
    return [{ row: keyOf(now), contender: contender.name, ...change, slower: change.low > 1 + threshold }];
  });
}

function samples(a: Measured, b: Measured): readonly (readonly number[] | undefined)[] {
  return a.gpu && b.gpu ? [a.gpu, b.gpu] : [a.relative, b.relative];
}
