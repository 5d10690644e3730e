import type { Measured, MeasuredRow } from '../../../bench/measure.ts';
import type { MeasuredRoofline } from '../../../bench/roofline.ts';
import { estimate, median, pairedRatio } from '../../../bench/stats.ts';
import { table } from '../table.ts';
import type { Change } from './compare.ts';
import type { ColdStart, Report } from './report.ts';

/** The adapter, and what it can do at best. */
export function heading({ adapter, runtime, roofline }: Pick<Report, 'adapter' | 'runtime' | 'roofline'>): string {
  const { vendor, architecture, device, description, software } = adapter;
  const name = [vendor, architecture, device, description].filter(Boolean).join(' ');
  if (software) {
    return `software adapter: ${name}, ${runtime}. Its times say nothing about a GPU; only ratios and counts are shown.`;
  }
  return `adapter: ${name}, ${runtime}${roofline ? `\nroofline: ${describeRoofline(roofline)}` : ''}`;
}

export function describeRoofline(roofline: MeasuredRoofline): string {
  const { bytesPerSecond, flopsPerSecond, flopsPerSecondF16, matrixFlopsPerSecond } = roofline;
  const parts = [
    `copy ${(bytesPerSecond / 1e9).toFixed(0)} GB/s`,
    `multiply-add f32 ${(flopsPerSecond / 1e12).toFixed(2)} TFLOP/s`,
    ...(flopsPerSecondF16 ? [`f16 ${(flopsPerSecondF16 / 1e12).toFixed(2)} TFLOP/s`] : []),
    ...(matrixFlopsPerSecond ? [`matrix units f16 ${(matrixFlopsPerSecond / 1e12).toFixed(1)} TFLOP/s`] : []),
  ];
  return parts.join(', ');
}

const COSTS = ['dispatches', 'submits', 'allocated', 'moved'] as const;

/** A line for each contender of each row. */
export function rowsTable(rows: readonly MeasuredRow[], software: boolean): string {
  const times = software ? [] : ['host ms', 'GPU ms'];
  const header = ['op', 'shape', 'contender', 'times fovea', ...times, 'of roofline', ...COSTS];
  const lines = rows.flatMap((row) =>
    row.contenders.map((contender, i) => {
      const { op, shape, series, dtype } = row;
      const what = series === 'forward' ? shape : `${shape} ${series}`;
      const place = i === 0 ? [op, dtype === 'f32' ? what : `${what} ${dtype}`] : ['', ''];
      return [...place, ...cells(row, contender, times.length > 0)];
    }),
  );
  return table(header, lines);
}

function cells({ contenders, bound }: MeasuredRow, contender: Measured, times: boolean): string[] {
  const { name, error, relative, share, gpuShare, host, gpu, cost } = contender;
  if (error !== undefined) return [name, `none: ${error.replace(/\s+/g, ' ')}`];
  const ours = contenders.find(({ kind }) => kind === 'fovea')?.relative;
  return [
    name,
    ours && relative ? interval(pairedRatio(relative, ours), 2) : '',
    ...(times ? [host ? interval(estimate(host), 3) : '', gpu ? median(gpu).toFixed(3) : ''] : []),
    share === undefined
      ? ''
      : `${percent(share)}${gpuShare === undefined ? '' : ` (GPU ${percent(gpuShare)})`} ${bound}`,
    ...(cost ? [`${cost.dispatches}`, `${cost.submits}`, bytes(cost.bytesAllocated), bytes(cost.bytesMoved)] : []),
  ];
}

export function coldTable(cold: readonly ColdStart[], software: boolean): string {
  const header = ['cold page', 'code, min+gzip', 'first result, times fovea', ...(software ? [] : ['ms'])];
  const lines = cold.map(({ name, bytes: size, relative, milliseconds }) => {
    const times = milliseconds ? [median(milliseconds).toFixed(0)] : [];
    return [name, bytes(size), interval(estimate(relative), 2), ...times];
  });
  return table(header, lines);
}

export function changesTable(changes: readonly Change[]): string {
  const change = (ratio: number) => `${ratio < 1 ? '' : '+'}${percent(ratio - 1)}`;
  const header = ['row', 'contender', 'change', '95% interval', ''];
  const lines = changes.map(({ row, contender, median, low, high, slower }) => {
    const verdict = slower ? 'slower' : high < 1 ? 'faster' : '';
    return [row, contender, change(median), `${change(low)} to ${change(high)}`, verdict];
  });
  return table(header, lines);
}

const interval = ({ median, low, high }: { median: number; low: number; high: number }, digits: number): string =>
  `${median.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;

const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;

function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = n === 0 ? 0 : Math.min(3, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
