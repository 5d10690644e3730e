import { expect, test } from 'vitest';
import type { MeasuredRow } from '../../../bench/measure.ts';
import { changesTable, heading, rowsTable } from '../../../src/cli/bench/table.ts';
import { table } from '../../../src/cli/table.ts';

const cost = { dispatches: 2, submits: 1, bytesAllocated: 0, bytesMoved: 3 * 2 ** 20 };
const row: MeasuredRow = {
  ...{ op: 'softmax', shape: '[4, 5]', dtype: 'f16', series: 'forward + backward', size: 20, flops: 1, bytes: 1 },
  bound: 'memory',
  contenders: [
    { name: 'fovea', kind: 'fovea', cost, relative: [1, 1], share: 0.5, host: [0.25, 0.25], gpu: [0.125, 0.125] },
    { name: 'plain', kind: 'plain', cost, relative: [3, 3], share: 0.1 },
    { name: 'peer', kind: 'peer', error: 'it is\n not  there' },
  ],
};

test('columns are as wide as their widest cell, numbers stand to the right', () => {
  expect(
    table(
      ['a', 'n'],
      [
        ['long', '1'],
        ['x', '10'],
      ],
    ),
  ).toBe('a      n\nlong   1\nx     10');
});

test('a row on a GPU: ratios, times, roofline and costs', () => {
  const [header, ours, plain, peer] = rowsTable([row], false)
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(header).toContain('GPU ms');
  expect(ours).toEqual(
    expect.arrayContaining(['softmax', '[4, 5] forward + backward f16', '0.250 [0.250, 0.250]', '0.125', '3.0 MB']),
  );
  expect(plain).toContain('3.00 [3.00, 3.00]');
  expect(peer?.join(' ')).toContain('none: it is not there');
});

test('a software adapter: no times', () => {
  const text = rowsTable([row], true);
  expect(text).not.toContain('ms');
  expect(text).not.toContain('0.250');
  expect(text).toContain('50.0% memory');
  const { features, ...names } = {
    features: [],
    vendor: 'v',
    architecture: '',
    device: '',
    description: 'SwiftShader',
  };
  const title = heading({ runtime: 'Chrome/1', adapter: { ...names, features, software: true } });
  expect(title).toBe(
    'software adapter: v SwiftShader, Chrome/1. Its times say nothing about a GPU; only ratios and counts are shown.',
  );
});

test('a GPU: its roofline', () => {
  const adapter = { vendor: 'v', architecture: 'a', device: '', description: '', features: [], software: false };
  const roofline = { bytesPerSecond: 2e12, flopsPerSecond: 5e13, flopsPerSecondF16: 6e13 };
  expect(heading({ runtime: 'r', adapter, roofline })).toBe(
    'adapter: v a, r\nroofline: copy 2000 GB/s, multiply-add f32 50.00 TFLOP/s, f16 60.00 TFLOP/s',
  );
});

test('changes, slower and faster', () => {
  const change = { row: 'a', contender: 'fovea', median: 1.2, low: 1.1, high: 1.3, slower: true };
  const lines = changesTable([change, { ...change, median: 0.5, low: 0.4, high: 0.6, slower: false }]).split('\n');
  expect(lines[1]).toMatch(/\+20\.0% +\+10\.0% to \+30\.0% +slower$/);
  expect(lines[2]).toMatch(/-50\.0% +-60\.0% to -40\.0% +faster$/);
});
