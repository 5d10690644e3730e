// What a page that has never seen a library waits for: its code, its device, its shaders, its first result.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle } from '../bundle.ts';
import { launchChrome, openScript } from '../chrome.ts';
import type { HostOptions } from '../hosts.ts';
import type { ColdStart } from './report.ts';

const ROUNDS = 5;
const root = new URL('../../../', import.meta.url);

interface Library {
  readonly name: string;
  /** Of bench/cold: a page that takes one softmax, and imports what it needs for that and no more. */
  readonly entry: string;
  /** What the page loads besides. */
  readonly file?: string;
}

const LIBRARIES: readonly Library[] = [
  { name: 'fovea', entry: 'fovea.ts' },
  { name: 'jax-js', entry: 'jax.ts' },
  { name: 'TensorFlow.js', entry: 'tensorflow.ts' },
  {
    name: 'ONNX Runtime',
    entry: 'onnx.ts',
    file: 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm',
  },
];

/** In turn, so that what slows the machine for a while slows all. Times are kept for a GPU; for a software adapter, multiples of Fovea's. */
export async function measureColdStarts(options: HostOptions, software: boolean): Promise<ColdStart[]> {
  const scripts = await Promise.all(
    LIBRARIES.map(({ entry }) => bundle(fileURLToPath(new URL(`bench/cold/${entry}`, root)), { minify: true })),
  );
  const times: number[][] = LIBRARIES.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, script] of scripts.entries()) times[i]?.push(await firstResult(script, options));
  const [ours] = times;
  return LIBRARIES.map(({ name, file }, i) => {
    const files = file ? [readFileSync(new URL(file, root))] : [];
    const bytes = [scripts[i] ?? '', ...files].reduce((sum, code) => sum + gzipSync(code).length, 0);
    const relative = times[i]?.map((t, round) => t / (ours?.[round] ?? Number.NaN)) ?? [];
    return { name, bytes, relative, ...(software ? {} : { milliseconds: times[i] ?? [] }) };
  });
}

/** Milliseconds from script to result, in a browser that has compiled nothing yet. The script is there already: networks are not measured. */
async function firstResult(script: string, { chrome, flags }: HostOptions): Promise<number> {
  const started = await launchChrome({ executable: chrome, flags });
  try {
    const { page } = await openScript(started, script);
    const time = `(async () => {
      const text = await (await fetch('/entry.js')).text();
      const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
      const start = performance.now();
      const { firstResult } = await import(url);
      const { length } = await firstResult();
      return length === 4096 ? performance.now() - start : Promise.reject(new Error('the result has ' + length + ' elements'));
    })()`;
    return (await page.evaluate(time)) as number;
  } finally {
    await started.browser.close();
  }
}
