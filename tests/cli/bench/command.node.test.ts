import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { MeasuredRow } from '../../../bench/measure.ts';
import { benchCommand } from '../../../src/cli/bench/command.ts';
import { readReport } from '../../../src/cli/bench/report.ts';
import type { Host } from '../../../src/cli/hosts.ts';

/** One row an op, but for matrix products, in which the browser dies. */
const breaking = (async (_page, handlers, _options, use) => {
  const call = async (name: string, op: string) => {
    if (name === 'open') {
      const names = { vendor: '', architecture: '', device: '', description: 'fake' };
      return { adapter: { ...names, features: [], software: true }, roofline: {} };
    }
    if (op === 'matmul') throw new Error('the browser died');
    const sizes = {
      shape: '[2]',
      dtype: 'f32',
      series: 'forward',
      size: 2,
      flops: 1,
      bytes: 1,
      bound: 'memory',
    } as const;
    const row: MeasuredRow = {
      op,
      ...sizes,
      contenders: [{ name: 'fovea', kind: 'fovea', relative: [1], share: 0.5 }],
    };
    return (handlers.report as (row: MeasuredRow) => void)(row);
  };
  return use(call as never, { host: 'fake', runtime: 'fake', flags: [] });
}) as Host;

test('a run that breaks off leaves the rows it measured, in the file and on stderr', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'fovea-')), 'report.json');
  const written: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const stdout = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const args = ['softmax', 'matmul', '--json', file];
    const command = benchCommand({ fake: breaking }).exitOverride();
    await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow('the browser died');
  } finally {
    stderr.mockRestore();
    stdout.mockRestore();
  }
  expect(readFileSync(file, 'utf8')).toContain('"softmax"');
  expect(readReport(file).rows.map(({ op }) => op)).toEqual(['softmax']);
  expect(written.join('')).toContain('measured softmax [2] forward\n');
});
