import { defineConfig } from 'vitest/config';
import { puppeteerProvider } from './tests/targets/chrome.ts';

// The GPU tests run unchanged in each of these; test:deno (tests/targets/deno.ts) is the third.
const gpuTests = { include: ['tests/**/*.test.ts'], exclude: ['tests/**/*.node.test.ts'], isolate: false };

export default defineConfig({
  // Named here, or Vite finds them in the middle of the first run and reloads the page.
  optimizeDeps: { include: ['fast-check'] },
  test: {
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          ...gpuTests,
          name: 'chrome',
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: puppeteerProvider(),
            instances: [{ browser: 'chrome' }],
          },
        },
      },
      {
        extends: true,
        test: { ...gpuTests, name: 'dawn', setupFiles: ['tests/targets/dawn.ts'], fileParallelism: false },
      },
      { extends: true, test: { name: 'node', include: ['tests/**/*.node.test.ts'] } },
    ],
  },
});
