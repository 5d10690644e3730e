import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { historyPage, keptReports } from '../../../src/cli/bench/history.ts';

test('docs/benchmarks.md is what `npm run bench:docs` makes of the kept reports', () => {
  const reports = keptReports();
  expect(reports.length).toBeGreaterThan(0);
  expect(readFileSync('docs/benchmarks.md', 'utf8')).toBe(historyPage(reports));
});

test('kept reports of software adapters hold no absolute times', () => {
  for (const [, report] of keptReports()) {
    if (!report.adapter.software) continue;
    expect(report).not.toHaveProperty('roofline');
    for (const { contenders } of report.rows) {
      for (const contender of contenders) expect(Object.keys(contender)).not.toEqual(expect.arrayContaining(['host']));
    }
  }
});
