import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider } from 'vitest/node';
import { type Chrome, launchChrome } from '../../src/cli/chrome.ts';
import { ZEROS_BY_LOOP } from './software.ts';

/**
 * Vitest's browser mode on the headless Chrome of the command-line tools. Each session is a browser of its own: pages of one browser share the
 * thread that compiles kernels, which is where most of the time goes.
 */
export const puppeteerProvider = () =>
  defineBrowserProvider({
    name: 'puppeteer',
    supportedBrowser: ['chrome'],
    providerFactory: (): BrowserProvider => {
      const launched: Promise<Chrome>[] = [];
      return {
        name: 'puppeteer',
        supportsParallelism: true,
        getCommandsContext: () => ({}),
        async openPage(_sessionId, url) {
          const chrome = launchChrome({ flags: ZEROS_BY_LOOP.map((toggle) => `--${toggle}`) });
          launched.push(chrome);
          const { adapter, browser } = await chrome;
          console.log(`chrome: ${adapter}`);
          const page = await browser.newPage();
          await page.goto(url);
        },
        async close() {
          // A launch that failed has been reported by openPage.
          for (const chrome of await Promise.allSettled(launched)) {
            if (chrome.status === 'fulfilled') await chrome.value.browser.close();
          }
        },
      };
    },
  });
