// The plots of a report, drawn with Observable Plot when its page (see html.ts) is opened.
import * as Plot from '@observablehq/plot';
import type { MeasuredRow } from '../../../bench/measure.ts';
import { estimate, median, pairedRatio } from '../../../bench/stats.ts';
import type { Report } from './report.ts';

const [data, target] = [document.getElementById('data'), document.getElementById('report')];
if (data?.textContent && target) draw(JSON.parse(data.textContent) as Report, target);

interface Point {
  readonly size: number;
  readonly contender: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly shape: string;
}

function draw(report: Report, target: HTMLElement): void {
  const { software } = report.adapter;
  if (software)
    target.append(paragraph('A software adapter: its times say nothing about a GPU, so only ratios are drawn.'));
  for (const rows of grouped(report.rows)) target.append(figure(rows, software));
  if (report.roofline) target.append(rooflineFigure(report));
}

/** Rows of one op, series and dtype. */
function grouped(rows: readonly MeasuredRow[]): MeasuredRow[][] {
  const groups = new Map<string, MeasuredRow[]>();
  for (const row of rows) {
    const key = `${row.op} ${row.series} ${row.dtype}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function figure(rows: readonly MeasuredRow[], software: boolean): HTMLElement {
  const [first] = rows as [MeasuredRow];
  const points = rows.flatMap((row) => pointsOf(row, software));
  const label = software ? '↑ time, as a multiple of Fovea’s' : '↑ milliseconds';
  const common = { x: 'size', y: 'value', stroke: 'contender' };
  const plot = Plot.plot({
    ...{ width: 860, height: 320, marginLeft: 60, grid: true, style: { background: 'transparent' } },
    x: { type: 'log', label: 'size of the problem →' },
    y: { type: 'log', label, tickFormat: (v: number) => String(v) },
    color: { legend: true },
    marks: [
      Plot.line(points, { ...common, sort: 'size' }),
      Plot.ruleX(points, { x: 'size', y1: 'low', y2: 'high', stroke: 'contender' }),
      Plot.dot(points, { ...common, fill: 'contender', tip: true, channels: { shape: 'shape' } }),
    ],
  });
  return framed(`${first.op}, ${first.series}, ${first.dtype}`, plot);
}

function pointsOf(row: MeasuredRow, software: boolean): Point[] {
  const ours = row.contenders.find(({ kind }) => kind === 'fovea')?.relative;
  return row.contenders.flatMap(({ name, relative, host, gpu }) => {
    if (!relative || (software && !ours)) return [];
    const times = gpu ?? host;
    const value = software || !times ? pairedRatio(relative, ours ?? relative) : estimate(times);
    const { size, shape } = row;
    return [{ size, shape, contender: name, value: value.median, low: value.low, high: value.high }];
  });
}

/** Operations a second against operations a byte, below what memory and arithmetic allow. */
function rooflineFigure({ rows, roofline }: Report): HTMLElement {
  const { bytesPerSecond: copy = 1, flopsPerSecond: peak = 1 } = roofline ?? {};
  const points = rows.flatMap(({ op, shape, series, flops, bytes, contenders }) =>
    contenders.flatMap(({ name, kind, gpu, host }) => {
      const times = gpu ?? host;
      if (!times || kind === 'variant') return [];
      return [{ intensity: flops / bytes, rate: flops / median(times) / 1e6, name, shape: `${op} ${shape} ${series}` }];
    }),
  );
  const intensities = points.map(({ intensity }) => intensity);
  const [low, high] = [Math.min(...intensities, 0.1), Math.max(...intensities, peak / copy) * 2];
  const roof = [low, peak / copy, high].map((intensity) => ({
    intensity,
    rate: Math.min(peak, copy * intensity) / 1e9,
  }));
  const plot = Plot.plot({
    ...{ width: 860, height: 420, marginLeft: 60, grid: true, style: { background: 'transparent' } },
    x: { type: 'log', label: 'floating-point operations a byte →' },
    y: { type: 'log', label: '↑ GFLOP/s' },
    color: { legend: true },
    marks: [
      Plot.line(roof, { x: 'intensity', y: 'rate', strokeWidth: 2 }),
      Plot.dot(points, { x: 'intensity', y: 'rate', stroke: 'name', tip: true, channels: { shape: 'shape' } }),
    ],
  });
  return framed('roofline (f32)', plot);
}

function framed(title: string, plot: Element): HTMLElement {
  const figure = document.createElement('section');
  const heading = document.createElement('h2');
  heading.textContent = title;
  figure.append(heading, plot);
  return figure;
}

function paragraph(text: string): HTMLElement {
  const p = document.createElement('p');
  p.className = 'software';
  p.textContent = text;
  return p;
}
