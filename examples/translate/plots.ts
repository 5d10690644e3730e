// The pictures of the report, drawn with Observable Plot in a page: standalone SVG, for light and dark surroundings.

import * as Plot from '@observablehq/plot';

export interface Picture {
  svg: string;
  width: number;
  height: number;
}

export interface Matrix {
  /** Letters of the columns. */
  source: readonly string[];
  /** Letters of the rows. */
  output: readonly string[];
  /** A row of weights over the source for each letter of the output. */
  attention: readonly (readonly number[])[];
}

const FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif';
const THEME = `.figure { color: #1f2328; font: 13px ${FONT} } .paper { fill: #ffffff }
@media (prefers-color-scheme: dark) { .figure { color: #e6e8eb } .paper { fill: #16191d } }`;
/** One scale for all pictures, so that they can be compared. */
const WEIGHT = { type: 'linear', scheme: 'blues', domain: [0, 1] } as const;
const PADDING = 16;
const TITLE_HEIGHT = 30;

export function attentionPicture(matrix: Matrix): Picture {
  const { source, output } = matrix;
  const cell = cellSize(Math.max(source.length, output.length));
  const title = `${isolated(source.join(''))} \u2192 ${isolated(output.join(''))}`;
  const plot = drawMatrix(matrix, cell);
  return compose(title, [plot, drawScale()]);
}

/** `losses[i]` is the loss of step i + 1; what is not finite leaves a gap. */
export function lossPicture(losses: readonly (number | null)[]): Picture {
  const points = thinned(losses.map((loss, i) => ({ step: i + 1, loss: Number.isFinite(loss) ? loss : null })));
  const finite = points.flatMap(({ loss }) => (loss === null ? [] : [loss]));
  const log = Math.min(...finite) > 0 && Math.max(...finite) > 10 * Math.min(...finite);
  const lines = { x: 'step', y: 'loss', stroke: '#2f6fbf', clip: true };
  const smooth = Plot.windowY(
    { k: Math.max(1, Math.ceil(points.length / 60)), anchor: 'middle', reduce: 'mean' },
    lines,
  );
  const plot = Plot.plot({
    ...{ width: 720, height: 340, marginLeft: 56, marginBottom: 40, marginTop: 24, style: style(13) },
    x: { label: 'training step', nice: true, zero: losses.length > 1 },
    y: { label: 'loss', nice: true, grid: true, ...(log ? logAxis(finite) : { zero: true }) },
    marks: [
      Plot.lineY(points, { ...lines, strokeOpacity: 0.3, strokeWidth: 1 }),
      Plot.lineY(points, { ...smooth, strokeWidth: 2 }),
      finite.length === 1 ? Plot.dot(points, { ...lines, fill: '#2f6fbf' }) : null,
    ],
  }) as SVGSVGElement;
  return compose('Training loss', [plot]);
}

/** Powers of ten, and 2 and 5 between them where that is not too many; written out, not as 100m. */
function logAxis(values: readonly number[]) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => Math.floor(Math.log10(value)));
  const decades = Array.from({ length: (high ?? 0) - (low ?? 0) + 2 }, (_, i) => (low ?? 0) + i);
  const steps = decades.length > 4 ? [1] : [1, 2, 5];
  const ticks = decades.flatMap((exponent) => steps.map((step) => Number(`${step}e${exponent}`)));
  return { type: 'log', ticks, tickFormat: (value: number) => String(value) } as const;
}

function drawMatrix({ source, output, attention }: Matrix, cell: number): SVGSVGElement {
  const cells = attention.flatMap((row, y) => row.map((weight, x) => ({ x, y, weight })));
  const every = Math.ceil(11 / cell);
  const axis = (letters: readonly string[]) => ({
    ...({
      type: 'band',
      domain: letters.map((_, i) => i),
      padding: 0,
      label: null,
      tickSize: 0,
      tickPadding: 8,
    } as const),
    tickFormat: (i: number) => (i % every ? '' : visible(letters[i] ?? '')),
  });
  const font = Math.min(16, Math.max(11, cell * 0.45));
  const left = Math.max(66, 16 + widest(output.map(visible), font));
  const top = 34 + font;
  const right = Math.max(4, widest([visible(source.at(-1) ?? '')], font) / 2 - cell / 2);
  return Plot.plot({
    ...{ width: left + cell * source.length + right, height: top + cell * output.length + 4 },
    ...{ marginLeft: left, marginTop: top, marginRight: right, marginBottom: 4, style: style(font) },
    x: { ...axis(source), axis: 'top' },
    y: axis(output),
    color: WEIGHT,
    marks: [
      Plot.cell(cells, { x: 'x', y: 'y', fill: 'weight', inset: cell > 8 ? 0.5 : 0 }),
      cell >= 32 && cells.length <= 150
        ? Plot.text(cells, { x: 'x', y: 'y', text: weightText, fill: ink, fontSize: 11 })
        : null,
      caption('input \u2192', { frameAnchor: 'top-left', dy: -top + 10 }),
      caption('output \u2193', { frameAnchor: 'top-left', dy: -top + 10, dx: -left + 2 }),
    ],
  }) as SVGSVGElement;
}

/** Drawn, since the legend of Plot is an image of fixed size. */
function drawScale(): SVGSVGElement {
  const steps = Array.from({ length: 100 }, (_, i) => i / 100);
  return Plot.plot({
    ...{ width: 200, height: 44, marginLeft: 8, marginRight: 12, marginTop: 18, marginBottom: 16, style: style(11) },
    x: { type: 'linear', domain: [0, 1], ticks: 5, tickSize: 0, tickPadding: 4, label: null },
    y: { axis: null },
    color: WEIGHT,
    marks: [
      Plot.rect(steps, { x1: (d) => d, x2: (d) => d + 0.01, y1: 0, y2: 1, fill: (d) => d + 0.005, insetLeft: -0.5 }),
      caption('attention weight', { frameAnchor: 'top-left', dy: -10 }),
    ],
  }) as SVGSVGElement;
}

function caption(text: string, options: Plot.TextOptions): Plot.Markish {
  return Plot.text([text], { fontSize: 12, fillOpacity: 0.65, lineAnchor: 'middle', ...options });
}

function weightText({ weight }: { weight: number }): string {
  return weight < 0.005 ? '0' : weight.toFixed(2);
}

function ink({ weight }: { weight: number }): string {
  return weight > 0.7 ? '#ffffff' : '#1f2328';
}

function style(fontSize: number) {
  return { fontFamily: FONT, fontSize: `${fontSize}px`, background: 'none', overflow: 'visible' };
}

/** Large enough to read for words, down to a few pixels so that a text of hundreds of letters still makes a picture. */
function cellSize(letters: number): number {
  return letters > 200
    ? Math.max(2, Math.floor(3200 / letters))
    : Math.min(40, Math.max(16, Math.round(560 / letters)));
}

/** At most about a thousand points, evenly taken, the last one with them. */
function thinned<T>(points: T[]): T[] {
  const every = Math.ceil(points.length / 1000);
  return points.filter((_, i) => (points.length - 1 - i) % every === 0);
}

/** A letter that shows: a space, a lone accent or a control character would not. */
function visible(letter: string): string {
  if (letter === ' ') return '\u2423';
  if (/^\p{M}/u.test(letter)) return `\u25cc${letter}`;
  if (/^[\p{C}\p{Z}]$/u.test(letter))
    return `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return letter;
}

/** Right-to-left words must not turn the title around. */
function isolated(word: string): string {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(word) ? `\u2068${word}\u2069` : word;
}

function widest(texts: readonly string[], fontSize: number, weight = 400): number {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return fontSize;
  context.font = `${weight} ${fontSize}px ${FONT}`;
  return Math.ceil(Math.max(0, ...texts.map((text) => context.measureText(text).width)));
}

/** One SVG with a title over the parts, one below the other. */
function compose(title: string, parts: SVGSVGElement[]): Picture {
  const shown = [...title].length > 120 ? `${[...title].slice(0, 119).join('')}\u2026` : title;
  const widths = [widest([shown], 17, 600), ...parts.map((part) => part.width.baseVal.value)];
  const width = Math.ceil(Math.max(...widths)) + 2 * PADDING;
  const svg = element('svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    class: 'figure',
    role: 'img',
    fill: 'currentColor',
  });
  svg.append(element('title', {}, title), element('style', {}, THEME));
  svg.append(element('rect', { class: 'paper', width: '100%', height: '100%' }));
  svg.append(element('text', { x: PADDING, y: PADDING + 15, 'font-size': 17, 'font-weight': 600 }, shown));
  let y = PADDING + TITLE_HEIGHT;
  for (const part of parts) {
    part.setAttribute('x', String(PADDING));
    part.setAttribute('y', String(y));
    y += part.height.baseVal.value + 8;
    svg.append(part);
  }
  const height = Math.ceil(y - 8 + PADDING);
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
    svg.setAttribute(name, String(value));
  }
  return { svg: new XMLSerializer().serializeToString(svg), width, height };
}

function element(name: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (key !== 'xmlns') made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}
