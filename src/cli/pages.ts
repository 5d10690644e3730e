// The modules that run where the GPU is: bundled into a page of headless Chrome, or imported by Node on Dawn.
import { fileURLToPath } from 'node:url';

/** Set by the bundler: the pages are built into the published command line, which has no sources to make them from. */
declare const FOVEA_PAGES: Readonly<Record<string, string>> | undefined;

/** Modules with functions to call. */
const PAGES = {
  /** The benchmark's rows. */
  bench: () => import('../../bench/page.ts'),
  /** `fovea info` and `fovea tune`. */
  device: () => import('./device_page.ts'),
} as const;

export type PageName = keyof typeof PAGES;
export type PageModule<N extends PageName> = Awaited<ReturnType<(typeof PAGES)[N]>>;

/** Where the scripts come from, relative to this file. */
export const SCRIPTS = {
  bench: '../../bench/page.ts',
  device: './device_page.ts',
  /** The plots of the benchmark's report: no GPU, no functions; it is inlined there and draws by itself. */
  plots: './bench/plots.ts',
} as const satisfies Record<PageName | 'plots', string>;

/** The page's module in this process. */
export const importPage = <N extends PageName>(name: N): Promise<PageModule<N>> =>
  PAGES[name]() as Promise<PageModule<N>>;

/** The module as one script. */
export async function pageScript(name: keyof typeof SCRIPTS): Promise<string> {
  if (typeof FOVEA_PAGES !== 'undefined') {
    const script = FOVEA_PAGES[name];
    if (script === undefined) throw new Error(`the page ${name} is not built into this file`);
    return script;
  }
  const { bundle } = await import('./bundle.ts');
  return bundle(fileURLToPath(new URL(SCRIPTS[name], import.meta.url)), { minify: name === 'plots' });
}
