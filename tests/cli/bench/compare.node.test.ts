import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Measured, MeasuredRow } from '../../../bench/measure.ts';
import { compare } from '../../../src/cli/bench/compare.ts';
import { FORMAT, type Report, readComparable, readReport } from '../../../src/cli/bench/report.ts';
import { testRandom } from '../../../src/testing/index.ts';

const random = testRandom(11);
const noisy = (mean: number) => Array.from({ length: 15 }, () => mean * Math.exp(0.1 * (random() + random() - 1)));

function row(op: string, contenders: readonly Measured[]): MeasuredRow {
  const counts = { size: 1, flops: 1, bytes: 1 };
  return { op, shape: '[1]', dtype: 'f32', series: 'forward', ...counts, bound: 'memory', contenders };
}

const report = (rows: readonly MeasuredRow[]) => ({ format: FORMAT, rows }) as unknown as Report;
const run = (slow: number) =>
  report(
    Array.from({ length: 40 }, (_, i) =>
      row(`op${i}`, [{ name: 'fovea', kind: 'fovea', relative: noisy((i + 1) * (i === 13 ? slow : 1)) }]),
    ),
  );

describe('compare', () => {
  test('finds a planted slowdown of 20%, and nothing else', () => {
    const changes = compare(run(1.2), run(1), 0.05);
    expect(changes).toHaveLength(40);
    expect(changes.filter(({ slower }) => slower).map((c) => c.row)).toEqual(['op13, forward, [1], f32']);
  });

  test('does not cry at identical builds', () => {
    const cries = Array.from({ length: 4 }, () => compare(run(1), run(1), 0.05)).flat();
    expect(cries.filter(({ slower }) => slower)).toEqual([]);
  });

  test('a threshold above the slowdown lets it pass', () => {
    expect(compare(run(1.2), run(1), 0.3).some(({ slower }) => slower)).toBe(false);
  });

  test("takes the device's times where both have them", () => {
    const contender = (gpu: number, relative: number): Measured => ({
      ...{ name: 'fovea', kind: 'fovea' },
      ...{ gpu: Array(9).fill(gpu), relative: Array(9).fill(relative) },
    });
    const [change] = compare(report([row('a', [contender(3, 1)])]), report([row('a', [contender(2, 1)])]), 0.05);
    expect(change).toMatchObject({ median: 1.5, slower: true });
  });

  test('leaves out other libraries, what had no time, and rows of one report only', () => {
    const relative = [1, 1, 1];
    const peer: Measured = { name: 'peer', kind: 'peer', relative };
    const wrong: Measured = { name: 'fovea', kind: 'fovea', error: 'wrong' };
    const now = report([row('a', [peer, wrong]), row('new', [{ name: 'fovea', kind: 'fovea', relative }])]);
    expect(compare(now, report([row('a', [peer, { ...wrong, relative }])]), 0.05)).toEqual([]);
  });
});

describe('readReport', () => {
  const file = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), 'fovea-')), 'old.json');
    writeFileSync(path, text);
    return path;
  };

  test('reads what was written', () => {
    const path = file(JSON.stringify(run(1)));
    expect(readReport(path).rows).toHaveLength(40);
    expect(readComparable(path).rows).toHaveLength(40);
  });

  test('shows what was timed beside another clock load, and compares nothing with it', () => {
    const path = file(JSON.stringify({ ...run(1), format: 'fovea-bench-1' }));
    expect(readReport(path).rows).toHaveLength(40);
    expect(() => readComparable(path)).toThrow(`${path}: was timed beside another clock load`);
  });

  test.each([
    ['{', 'is not JSON'],
    ['null', 'is not a report of this benchmark'],
    ['{"format":"else"}', 'is not a report of this benchmark'],
  ])('refuses %s', (text, reason) => {
    const path = file(text);
    expect(() => readReport(path)).toThrow(`${path}: ${reason}`);
  });

  test('names a file that is not there', () => {
    expect(() => readReport('nowhere.json')).toThrow('nowhere.json: cannot be read (ENOENT)');
  });
});
