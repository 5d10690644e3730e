import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Chrome, type Handlers, launchChrome, openModule, withModule } from '../../src/cli/chrome.ts';

type Page = typeof import('./fixtures/page.ts');
const ENTRY = 'tests/tooling/fixtures/page.ts';

describe('openModule', () => {
  let chrome: Chrome;
  beforeAll(async () => {
    chrome = await launchChrome();
  });
  afterAll(() => chrome.browser.close());
  const open = (handlers?: Handlers) => openModule<Page>(chrome, ENTRY, handlers);

  test('says which adapter and which browser', () => {
    expect(chrome.adapter).toMatch(/^\S.*, (Headless)?(Chrome|Edg)\/\d+/);
  });

  test('opens a bundled module in a secure context with WebGPU', async () => {
    const { call } = await open();
    expect([await call('isSecure'), await call('hasAdapter')]).toEqual([true, true]);
  });

  test('hands the page functions of this process', async () => {
    const progress = vi.fn((step: number) => `seen ${step}`);
    const { call } = await open({ progress });
    expect(await call('count', 3)).toEqual({ answers: ['seen 0', 'seen 1', 'seen 2'] });
    expect(progress.mock.calls).toEqual([[0], [1], [2]]);
  });

  test('lowers `using`', async () => {
    const { call } = await open();
    expect(await call('dispose')).toEqual(['used', 'disposed']);
  });

  test('rejects with what the page threw, in a call or between calls', async () => {
    const { call } = await open();
    await expect(call('fail')).rejects.toThrow('thrown in the page');
    await expect(call('failLater')).rejects.toThrow('thrown between calls');
  });

  test('names the file that does not compile', async () => {
    await expect(openModule(chrome, 'tests/tooling/fixtures/missing.ts')).rejects.toThrow('fixtures/missing.ts');
  });
});

test('withModule closes its browser when its user throws', async () => {
  let browser: Browser | undefined;
  const failing = withModule<Page, void>(ENTRY, {}, async (_, chrome) => {
    browser = chrome.browser;
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(browser?.connected).toBe(false);
});

describe('launchChrome', () => {
  afterEach(() => vi.unstubAllEnvs());

  test.runIf(process.platform !== 'win32')('says in one line that the browser does not start', async () => {
    vi.stubEnv('FOVEA_CHROME', '/bin/sh');
    await expect(launchChrome()).rejects.toThrow(/^\/bin\/sh did not start: .*$/);
  });
});
