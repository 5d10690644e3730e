// The modules that run where the GPU is: bundled into a page of headless Chrome, or imported by Node on Dawn.
import { fileURLToPath } from 'node:url';

/** Set by the bundler: the pages are built into the published command line, which has no sources to make them from. */
declare const FOVEA_PAGES: Readonly<Record<string, string>> | undefined;

const PAGES = {
  /** The benchmark's rows. */
  bench: { entry: '../../bench/page.ts', load: () => import('../../bench/page.ts') },
  /** The plots of the benchmark's report; it is inlined there and needs no GPU. */
  plots: { entry: './bench/plots.ts', load: () => import('./bench/plots.ts') },
} as const;

export type PageName = keyof typeof PAGES;
export type PageModule<N extends PageName> = Awaited<ReturnType<(typeof PAGES)[N]['load']>>;

/** The page's module in this process. */
export const importPage = <N extends PageName>(name: N): Promise<PageModule<N>> =>
  PAGES[name].load() as Promise<PageModule<N>>;

/** The page as one script. */
export async function pageScript(name: PageName): Promise<string> {
  if (typeof FOVEA_PAGES !== 'undefined') {
    const script = FOVEA_PAGES[name];
    if (script === undefined) throw new Error(`the page ${name} is not built into this file`);
    return script;
  }
  const { bundle } = await import('./bundle.ts');
  return bundle(fileURLToPath(new URL(PAGES[name].entry, import.meta.url)), { minify: name === 'plots' });
}
