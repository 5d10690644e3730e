// Headless Chrome with WebGPU, for the tests, the benchmark and the examples.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Browser, Page, ResponseForRequest } from 'puppeteer-core';
import { findChrome, hasLinuxGpu } from '../../scripts/find-chrome.mjs';
import { UsageError } from './errors.ts';

const FLAGS = [
  '--enable-unsafe-webgpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // Chrome refuses to start its sandbox as root.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];
const SOFTWARE_FLAGS = ['--use-webgpu-adapter=swiftshader'];
// On Linux headless Chrome reaches a GPU through Vulkan, and only when told so; without one these flags hang it.
const LINUX_GPU_FLAGS = ['--enable-features=Vulkan', '--use-angle=vulkan', '--disable-vulkan-surface'];

// WebGPU needs a secure context, and localhost is one. Requests to it are answered here; nothing listens.
const ORIGIN = 'http://localhost/';
/** Where pages find what packages load by themselves, WebAssembly say, as with Vite's server in the tests. */
const PACKAGES = `${ORIGIN}node_modules/`;
const SCRIPT = `${ORIGIN}entry.js`;
const BLANK = '<!doctype html><link rel="icon" href="data:,">';

/** A running headless Chrome whose pages have WebGPU. */
export interface Chrome {
  readonly browser: Browser;
  /** What computes, and in which browser: `google swiftshader, Chrome/156.0.1.2`. */
  readonly adapter: string;
  readonly flags: readonly string[];
}

/** A page with a bundled TypeScript module in it. `Module` is the type of that module: `typeof import('./page.ts')`. */
export interface ModulePage<Module> {
  readonly page: Page;
  /** Calls one of the module's exported functions; arguments and result travel as JSON. */
  call<K extends FunctionsOf<Module>>(name: K, ...args: Arguments<Module[K]>): Promise<Result<Module[K]>>;
}

type FunctionsOf<M> = { [K in keyof M]: M[K] extends (...args: never[]) => unknown ? K : never }[keyof M] & string;
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** Functions of this process that the page can call by name, as `await progress(…)`. */
export type Handlers = Record<string, (...args: never[]) => unknown>;

export interface ChromeOptions {
  /** The browser's executable; default what `findChrome` finds. */
  readonly executable?: string | undefined;
  /** More command line flags. */
  readonly flags?: readonly string[];
}

/**
 * Starts headless Chrome on the GPU, or on its software adapter where there is no GPU.
 * The caller closes `browser`; it is also closed when this process ends or is interrupted.
 */
export async function launchChrome({ executable, flags: more = [] }: ChromeOptions = {}): Promise<Chrome> {
  const executablePath = executable ?? findChrome();
  if (!executablePath) {
    throw new UsageError('no Chrome, Chromium or Edge found: install one, or set FOVEA_CHROME to its executable');
  }
  for (const flags of [...(hasLinuxGpu() ? [LINUX_GPU_FLAGS] : []), [], SOFTWARE_FLAGS]) {
    const args = [...FLAGS, ...flags, ...more];
    const browser = await launch(executablePath, args);
    try {
      const adapter = await describeAdapter(browser);
      if (adapter) return { browser, adapter: `${adapter}, ${await browser.version()}`, flags: args };
    } catch (error) {
      await browser.close();
      throw error;
    }
    await browser.close();
  }
  throw new UsageError(`${executablePath} has no WebGPU adapter, not even its software one: a newer Chrome is needed`);
}

async function launch(executablePath: string, args: string[]) {
  const { default: puppeteer } = await loadPuppeteer();
  try {
    // No protocol timeout: training and benchmarks may keep one call open for minutes.
    return await puppeteer.launch({ executablePath, args, headless: true, protocolTimeout: 0 });
  } catch (error) {
    const [reason] = String(error).split('TROUBLESHOOTING');
    throw new UsageError(`${executablePath} did not start: ${reason?.replace(/\s+/g, ' ').trim()}`);
  }
}

async function loadPuppeteer() {
  try {
    return await import('puppeteer-core');
  } catch (error) {
    throw new UsageError('headless Chrome is driven by the package puppeteer-core: npm install puppeteer-core', {
      cause: error,
    });
  }
}

async function describeAdapter(browser: Browser): Promise<string | null> {
  const page = await openBlank(browser);
  const adapter = page.evaluate(async () => {
    const info = (await navigator.gpu?.requestAdapter())?.info;
    return info ? [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ') : null;
  });
  // A broken driver may also never answer.
  const description = await Promise.race([adapter, setTimeout(5_000, null, { ref: false })]);
  await page.close();
  return description;
}

async function openBlank(browser: Browser, script = '') {
  const page = await browser.newPage();
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (request.url() === ORIGIN) void request.respond({ contentType: 'text/html', body: BLANK });
    else if (request.url() === SCRIPT) void request.respond({ contentType: 'text/javascript', body: script });
    else if (request.url().startsWith(PACKAGES))
      void request.respond(packageFile(request.url().slice(PACKAGES.length)));
    else void request.respond({ status: 404 });
  });
  await page.goto(ORIGIN);
  return page;
}

function packageFile(path: string): Partial<ResponseForRequest> {
  const file = new URL(`../../node_modules/${path}`, import.meta.url);
  if (!existsSync(file)) return { status: 404 };
  return { contentType: path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript', body: readFileSync(file) };
}

/** Bundles the TypeScript module `entry` and opens it in a new page, whose console is forwarded to this one. */
export async function openModule<Module>(
  chrome: Chrome,
  entry: string,
  handlers: Handlers = {},
): Promise<ModulePage<Module>> {
  const { bundle } = await import('./bundle.ts');
  return openScript(chrome, await bundle(entry), handlers);
}

/** Opens a module that is bundled already. */
export async function openScript<Module>(
  chrome: Chrome,
  script: string,
  handlers: Handlers = {},
): Promise<ModulePage<Module>> {
  const page = await openBlank(chrome.browser, script);
  page.on('console', (message) => (message.type() === 'error' ? console.error : console.log)(message.text()));
  const failed = new Promise<never>((_, reject) => page.on('pageerror', reject).on('error', reject));
  failed.catch(() => {});
  for (const [name, handler] of Object.entries(handlers)) await page.exposeFunction(name, handler);
  return {
    page,
    // As text: what compiles this file may rewrite an import() in a function that is sent over.
    call: (name, ...args) =>
      Promise.race([failed, page.evaluate(`import('${SCRIPT}').then((m) => m.${name}(...${JSON.stringify(args)}))`)]),
  } as ModulePage<Module>;
}

/** Runs `use` on a page with the module `entry` in a Chrome of its own, which is closed whatever happens. */
export async function withModule<Module, T>(
  entry: string,
  handlers: Handlers,
  use: (module: ModulePage<Module>, chrome: Chrome) => Promise<T>,
): Promise<T> {
  const chrome = await launchChrome();
  try {
    return await use(await openModule<Module>(chrome, entry, handlers), chrome);
  } finally {
    await chrome.browser.close();
  }
}
