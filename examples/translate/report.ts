import { fileURLToPath } from 'node:url';
import { type Chrome, type ModulePage, openModule } from '../../src/cli/chrome.ts';
import { MANIFEST, writeOut } from './out_dir.ts';
import type { Picture } from './plots.ts';
import { type Figure, reportPage } from './report_page.ts';

export interface Translation {
  source: readonly string[];
  output: readonly string[];
  /** A row of weights over the source for each letter of the output; the plain model has none. */
  attention?: readonly (readonly number[])[] | undefined;
}

export interface Report {
  title: string;
  /** The loss of every step; empty where nothing was trained. */
  losses: readonly number[];
  translations: readonly Translation[];
  /** Adapter and settings, as shown. */
  meta: Readonly<Record<string, string | number>>;
  /** More to put into the directory, by name: the model. */
  files?: Readonly<Record<string, Uint8Array>> | undefined;
}

type Plots = typeof import('./plots.ts');

/** Writes the pictures (SVG and PNG), the page that shows them and `files`, all or nothing; gives the paths. */
export async function writeReport(chrome: Chrome, outDir: string, report: Report): Promise<string[]> {
  const files = new Map<string, string | Uint8Array>([['index.html', '']]);
  const plots = await openModule<Plots>(chrome, fileURLToPath(new URL('./plots.ts', import.meta.url)));
  try {
    await plots.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    const figures = await drawAll(plots, report, files);
    files.set('index.html', reportPage(report, figures));
  } finally {
    await plots.page.close();
  }
  for (const [name, bytes] of Object.entries(report.files ?? {})) {
    if (files.has(name)) throw new Error(`writeReport: the report has a file ${name} of its own`);
    files.set(name, bytes);
  }
  const { title, meta, losses, translations } = report;
  const names = [...files.keys(), MANIFEST];
  files.set(MANIFEST, JSON.stringify({ title, meta, translations, losses, files: names }));
  return writeOut(outDir, files);
}

async function drawAll(plots: ModulePage<Plots>, report: Report, files: Map<string, string | Uint8Array>) {
  const figures: (Figure | undefined)[] = [];
  const add = async (name: string, picture: Picture): Promise<Figure> => {
    files.set(`${name}.svg`, picture.svg);
    files.set(`${name}.png`, await screenshot(plots, picture));
    return { name, ...picture };
  };
  const loss = report.losses.length > 0 ? await add('loss', await plots.call('lossPicture', report.losses)) : undefined;
  for (const [i, { source, output, attention }] of report.translations.entries()) {
    const drawn = attention?.length && source.length;
    const name = fileName(i, source, report.translations.length);
    figures.push(
      drawn ? await add(name, await plots.call('attentionPicture', { source, output, attention })) : undefined,
    );
  }
  return { loss, translations: figures };
}

/** In the page's own colours for light surroundings, twice as fine as on the screen where that is not too much. */
async function screenshot({ page }: ModulePage<Plots>, { svg, width, height }: Picture): Promise<Uint8Array> {
  const deviceScaleFactor = Math.max(width, height) > 4000 ? 1 : 2;
  await page.setViewport({ width, height, deviceScaleFactor });
  await page.setContent(`<!doctype html><style>body{margin:0}svg{display:block}</style>${svg}`);
  return page.screenshot({ type: 'png' });
}

/** Sorts as the words are ordered; letters that some file system or address would not take are left out. */
function fileName(index: number, source: readonly string[], count: number): string {
  const number = String(index + 1).padStart(String(count).length, '0');
  const word = source
    .join('')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
    .slice(0, 40);
  return word ? `attention-${number}-${word}` : `attention-${number}`;
}
