import { escapeHtml } from '../../src/cli/escape_html.ts';
import type { Picture } from './plots.ts';
import type { Report } from './report.ts';

/** A picture that lies in the directory as `name`.svg and `name`.png. */
export interface Figure extends Picture {
  name: string;
}

export interface Figures {
  loss: Figure | undefined;
  /** One for each translation that has an attention matrix. */
  translations: readonly (Figure | undefined)[];
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --line: #d5dae0; --paper: #fff; --ground: #f5f6f8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --quiet: #9aa4af; --line: #343a42; --paper: #16191d; --ground: #0e1013 }
}
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 1180px; color: var(--ink); background: var(--ground);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif }
h1 { font-size: 26px; margin: 0 0 12px } h2 { font-size: 19px; margin: 36px 0 12px }
dl { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0 } dl div { display: flex; gap: 8px }
dt, th, figcaption { color: var(--quiet); font-weight: normal } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; background: var(--paper); border: 1px solid var(--line); border-radius: 8px }
th, td { text-align: left; padding: 5px 18px; border-top: 1px solid var(--line); overflow-wrap: anywhere }
thead th { border-top: 0 }
.figures { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start }
figure { margin: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; max-width: 100% }
figure img { display: block; max-width: 100%; height: auto; border-radius: 8px 8px 0 0 }
figcaption { font-size: 13px; padding: 4px 16px 8px; border-top: 1px solid var(--line) }
a { color: inherit }`;

/** The index.html of a report; it needs nothing but the files beside it. */
export function reportPage(report: Report, figures: Figures): string {
  const matrices = figures.translations.flatMap((figure) => (figure ? [figureHtml(figure)] : []));
  const files = Object.keys(report.files ?? {}).map((name) => `<a href="${href(name)}">${escapeHtml(name)}</a>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.title)}</title>
<style>${STYLE}
</style>
<h1>${escapeHtml(report.title)}</h1>
<dl>${Object.entries(report.meta).map(metaHtml).join('')}</dl>
${section('Translations', report.translations.length > 0 && tableHtml(report))}
${section('Attention', matrices.length > 0 && figuresHtml(matrices))}
${section('Loss', figures.loss && figuresHtml([figureHtml(figures.loss)]))}
${section('Files', files.length > 0 && `<p>${files.join(', ')}</p>`)}
</html>
`;
}

function section(title: string, body: string | false | undefined): string {
  return body ? `<h2>${title}</h2>\n${body}` : '';
}

function metaHtml([name, value]: [string, string | number]): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(String(value))}</dd></div>`;
}

function tableHtml({ translations }: Report): string {
  const rows = translations.map(({ source, output }) => {
    const cells = [source, output].map(
      (letters) => `<td dir="auto">${escapeHtml(letters.join('')) || '(nothing)'}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table>
<thead><tr><th>source</th><th>translation</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

function figuresHtml(figures: string[]): string {
  return `<div class="figures">\n${figures.join('\n')}\n</div>`;
}

function figureHtml({ name, width, height }: Figure): string {
  const [svg, png] = [href(`${name}.svg`), href(`${name}.png`)];
  return (
    `<figure><img src="${svg}" width="${width}" height="${height}" alt="${escapeHtml(name)}">` +
    `<figcaption><a href="${svg}">SVG</a> <a href="${png}">PNG</a></figcaption></figure>`
  );
}

function href(name: string): string {
  return escapeHtml(encodeURIComponent(name));
}
