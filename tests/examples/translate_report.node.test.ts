import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOutDir, MANIFEST, writeOut } from '../../examples/translate/out_dir.ts';
import { type Report, type Translation, writeReport } from '../../examples/translate/report.ts';
import { type Chrome, launchChrome } from '../../src/cli/chrome.ts';
import { UsageError } from '../../src/cli/errors.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fovea-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('writeOut', () => {
  const files = (...names: string[]) => new Map([...names.map((name) => [name, name] as const), manifest(names)]);
  const manifest = (names: string[]) => [MANIFEST, JSON.stringify({ files: [...names, MANIFEST] })] as const;

  it('makes the directory, and those above it', async () => {
    const out = join(dir, 'a', 'b');
    expect(await writeOut(out, files('x'))).toEqual([join(out, 'x'), join(out, MANIFEST)]);
    expect(await readFile(join(out, 'x'), 'utf8')).toBe('x');
    expect((await stat(out)).mode & 0o777).toBe((await stat(join(dir, 'a'))).mode & 0o777);
    expect(await readdir(join(dir, 'a'))).toEqual(['b']);
  });

  it('replaces an earlier run, and leaves all else alone', async () => {
    const out = join(dir, 'out');
    await writeOut(out, files('old', 'both'));
    await writeFile(join(out, 'mine'), '');
    await writeOut(out, files('new', 'both'));
    expect((await readdir(out)).sort()).toEqual(['both', 'mine', 'new', MANIFEST]);
  });

  it('takes away nothing for a manifest that is not its own', async () => {
    const out = join(dir, 'out');
    await mkdir(out);
    await writeFile(join(dir, 'outside'), '');
    for (const text of ['{}', '[', '{"files":1}', '{"files":["../outside","..",".","", 3, "sub/x"]}']) {
      await writeFile(join(out, MANIFEST), text);
      await writeOut(out, files('x'));
    }
    expect((await readdir(dir)).sort()).toEqual(['out', 'outside']);
  });

  it('leaves everything as it was on an error', async () => {
    const out = join(dir, 'out');
    const bad = () => new Map([...files('x'), [join('none', 'y'), '']]);
    await expect(writeOut(out, bad())).rejects.toThrow('ENOENT');
    expect(await readdir(dir)).toEqual([]);
    await writeOut(out, files('old'));
    await expect(writeOut(out, bad())).rejects.toThrow('ENOENT');
    expect(await readdir(out)).toEqual(['old', MANIFEST]);
  });
});

describe('checkOutDir', () => {
  it('takes a directory that is there or can be made, and makes nothing', async () => {
    await checkOutDir(dir);
    await checkOutDir(join(dir, 'a', 'b'));
    expect(await readdir(dir)).toEqual([]);
  });

  it('names a file that stands in the way', async () => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    await expect(checkOutDir(file)).rejects.toThrow(new UsageError(`${file}: ${file} is a file, not a directory`));
    const below = join(file, 'a', 'b');
    await expect(checkOutDir(below)).rejects.toThrow(new UsageError(`${below}: ${file} is a file, not a directory`));
    await expect(checkOutDir('x'.repeat(5000))).rejects.toThrow(/^x+: it cannot be written \(ENAMETOOLONG/);
  });
});

describe('writeReport', () => {
  let chrome: Chrome;
  beforeAll(async () => {
    chrome = await launchChrome();
  });
  afterAll(() => chrome.browser.close());

  function translation(source: string, output: string): Translation {
    const [columns, rows] = [[...source], [...output]];
    return { source: columns, output: rows, attention: rows.map((_, i) => columns.map((_, j) => +(i === j))) };
  }

  const report = (translations: Translation[], more: Partial<Report> = {}): Report => ({
    ...{ title: 'A <report>', losses: [3, 2, Number.NaN, 0.01], translations },
    ...{ meta: { adapter: 'some & adapter', steps: 4 }, ...more },
  });

  it('writes pictures, page, files and manifest', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const input = report([translation('highh', 'low'), translation('кот', 'cat')], {
      files: { 'm.safetensors': bytes },
    });
    const paths = await writeReport(chrome, join(dir, 'out'), input);
    const names = ['index.html', 'loss.svg', 'loss.png', 'attention-1-highh.svg', 'attention-1-highh.png'];
    names.push('attention-2.svg', 'attention-2.png', 'm.safetensors', MANIFEST);
    expect(paths).toEqual(names.map((name) => join(dir, 'out', name)));
    expect((await readdir(join(dir, 'out'))).sort()).toEqual([...names].sort());
    expect(await readFile(join(dir, 'out', 'm.safetensors'))).toEqual(Buffer.from(bytes));
    const html = await readFile(join(dir, 'out', 'index.html'), 'utf8');
    for (const text of ['A &lt;report&gt;', 'some &amp; adapter', 'href="m.safetensors"']) expect(html).toContain(text);
    const svg = await readFile(join(dir, 'out', 'attention-1-highh.svg'), 'utf8');
    expect(svg).toContain('highh → low');
    expect(svg.match(/>1\.00</g)).toHaveLength(3);
    const manifest = JSON.parse(await readFile(join(dir, 'out', MANIFEST), 'utf8'));
    expect(manifest).toMatchObject({ files: names, losses: [3, 2, null, 0.01], meta: { steps: 4 } });
  });

  it('shows every letter, label and title inside the picture, for words of 1 to 300 letters', async () => {
    const long = 'pneumonoultramicroscopicsilico';
    const words: [string, string][] = [
      ...([
        ['a', 'b'],
        ['a', long],
        [long, 'a'],
        [long, long],
        ['WWWWWWWWWWWW', 'mmmmmmmmmmmm'],
      ] as [string, string][]),
      ...([
        ['große Straße', 'улица'],
        ['שלום', '\u0301 \u200b猫'],
        ['x'.repeat(300), 'yz'],
      ] as [string, string][]),
    ];
    const translations = words.map(([source, output]) => translation(source, output));
    const paths = await writeReport(chrome, join(dir, 'out'), report(translations));
    for (const path of paths.filter((name) => name.endsWith('.svg'))) {
      expect(await outside(path), path).toEqual([]);
      const [width, height] = await pngSize(path.replace('.svg', '.png'));
      const { width: w, height: h } = await svgSize(path);
      const scale = Math.max(w, h) > 4000 ? 1 : 2;
      expect([width, height], path).toEqual([w * scale, h * scale]);
    }
    const page = await chrome.browser.newPage();
    await page.goto(pathToFileURL(join(dir, 'out', 'index.html')).href);
    const images = await page.$$eval('img', (all) => all.map((image) => image.naturalWidth > 0));
    await page.close();
    expect(images).toEqual(new Array(words.length + 1).fill(true));
  });

  it('does without losses, attention and output', async () => {
    const plain = [
      { source: ['a'], output: ['b'] },
      { source: ['a'], output: [], attention: [] },
    ];
    const paths = await writeReport(chrome, join(dir, 'out'), report(plain, { losses: [] }));
    expect(paths).toEqual(['index.html', MANIFEST].map((name) => join(dir, 'out', name)));
    expect(await readFile(paths[0] ?? '', 'utf8')).toContain('(nothing)');
  });

  it('draws losses of any kind', async () => {
    for (const losses of [[1], [Number.NaN], [1e-9, 5, Number.POSITIVE_INFINITY], new Array(20_000).fill(2)]) {
      await writeReport(chrome, join(dir, 'out'), report([], { losses }));
      const svg = await readFile(join(dir, 'out', 'loss.svg'), 'utf8');
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg.length).toBeLessThan(100_000);
    }
  });

  it('leaves nothing behind on an error', async () => {
    const input = report([translation('a', 'b')], { files: { 'index.html': Uint8Array.of(1) } });
    const pages = (await chrome.browser.pages()).length;
    await expect(writeReport(chrome, join(dir, 'out'), input)).rejects.toThrow('a file index.html of its own');
    expect(await readdir(dir)).toEqual([]);
    expect(await chrome.browser.pages()).toHaveLength(pages);
  });

  /** The texts of an SVG file that reach beyond its edges. */
  async function outside(path: string): Promise<string[]> {
    const page = await chrome.browser.newPage();
    await page.goto(pathToFileURL(path).href);
    const texts = await page.evaluate(() => {
      const edge = document.documentElement.getBoundingClientRect();
      const reaches = (box: DOMRect) => {
        return box.left < 0 || box.top < 0 || box.right > edge.right || box.bottom > edge.bottom;
      };
      const texts = [...document.querySelectorAll('text, rect')];
      return texts.filter((text) => reaches(text.getBoundingClientRect())).map((text) => text.outerHTML.slice(0, 200));
    });
    await page.close();
    return texts;
  }

  async function svgSize(path: string): Promise<{ width: number; height: number }> {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(await readFile(path, 'utf8')) ?? [];
    return { width: Number(width), height: Number(height) };
  }

  async function pngSize(path: string): Promise<[number, number]> {
    const bytes = await readFile(path);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  }
});
