import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider } from 'vitest/node';
import { type Chrome, launchChrome } from '../../src/cli/chrome.ts';

/** Vitest's browser mode on the headless Chrome of the command-line tools. */
export const puppeteerProvider = () =>
  defineBrowserProvider({
    name: 'puppeteer',
    supportedBrowser: ['chrome'],
    providerFactory: (): BrowserProvider => {
      let chrome: Promise<Chrome> | undefined;
      return {
        name: 'puppeteer',
        supportsParallelism: false,
        getCommandsContext: () => ({}),
        async openPage(_sessionId, url) {
          chrome ??= launchChrome();
          const { adapter, browser } = await chrome;
          console.log(`chrome: ${adapter}`);
          const page = await browser.newPage();
          await page.goto(url);
        },
        async close() {
          // A launch that failed has been reported by openPage.
          const launched = await chrome?.catch(() => undefined);
          await launched?.browser.close();
        },
      };
    },
  });
