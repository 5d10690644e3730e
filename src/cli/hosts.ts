// Where a page runs: headless Chrome, or this process on Dawn.
import { type Handlers, launchChrome, openScript } from './chrome.ts';
import { withDawn } from './dawn.ts';
import { UsageError } from './errors.ts';
import { importPage, type PageModule, type PageName, pageScript } from './pages.ts';

export interface HostOptions {
  /** Chrome's executable; default what is installed. */
  readonly chrome?: string | undefined;
  /** Flags of Chrome's command line, or Dawn's toggles. */
  readonly flags: readonly string[];
}

/** What a page runs on, the adapter aside: it says that itself. */
export interface HostInfo {
  readonly host: string;
  /** The browser's version, or Dawn's. */
  readonly runtime: string;
  readonly flags: readonly string[];
}

type FunctionsOf<M> = { [K in keyof M]: M[K] extends (...args: never[]) => unknown ? K : never }[keyof M] & string;
/** Calls one of the page's functions; arguments and result are JSON. */
export type Call<M> = <K extends FunctionsOf<M>>(
  name: K,
  ...args: M[K] extends (...args: infer A) => unknown ? A : never
) => Promise<M[K] extends (...args: never[]) => infer R ? Awaited<R> : never>;

/** Opens a page with `handlers` as functions it can call, hands it to `use`, and closes it whatever happens. */
export type Host = <N extends PageName, T>(
  page: N,
  handlers: Handlers,
  options: HostOptions,
  use: (call: Call<PageModule<N>>, info: HostInfo) => Promise<T>,
) => Promise<T>;

/** Experimental features where the browser has them, and timestamps as the device gives them. */
const CHROME_FLAGS = [
  '--enable-webgpu-developer-features',
  '--enable-dawn-features=allow_unsafe_apis',
  '--disable-dawn-features=timestamp_quantization',
];

export const chrome: Host = async (page, handlers, { chrome: executable, flags }, use) => {
  const started = await launchChrome({ executable, flags: [...CHROME_FLAGS, ...flags] });
  try {
    const { call } = await openScript<PageModule<typeof page>>(started, await pageScript(page), handlers);
    const info = { host: 'chrome', runtime: await started.browser.version(), flags: started.flags };
    return await use(call as Call<PageModule<typeof page>>, info);
  } finally {
    await started.browser.close();
  }
};

export const dawn: Host = async (page, handlers, { chrome: executable, flags }, use) => {
  if (executable) throw new UsageError('--chrome goes with --host chrome');
  return withDawn(flags, async (info) => {
    Object.assign(globalThis, handlers);
    const module = (await importPage(page)) as Record<string, (...args: unknown[]) => unknown>;
    return use((async (name: string, ...args: unknown[]) => module[name]?.(...args)) as never, info);
  });
};
