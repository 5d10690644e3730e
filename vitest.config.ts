import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { puppeteerProvider } from './tests/targets/chrome.ts';

// The GPU tests run unchanged in headless Chrome, in Node on Dawn, and in Deno. Each target is one page or process with
// one device: starting another for each file would take longer than most files do.
const gpuTests = { include: ['tests/**/*.test.ts'], exclude: ['tests/**/*.node.test.ts'], isolate: false };
// What only a browser has, such as IndexedDB, and what runs nowhere else: other libraries.
const elsewhere = { ...gpuTests, exclude: [...gpuTests.exclude, 'tests/**/*.chrome.test.ts'], maxWorkers: 1 };

export default defineConfig({
  // Named here, or Vite finds them in the middle of the first run and reloads the page.
  optimizeDeps: {
    include: [
      'fast-check',
      '@jax-js/jax',
      '@tensorflow/tfjs-backend-webgpu',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-core/dist/register_all_gradients',
      'onnxruntime-web/webgpu',
      'pbf',
    ],
  },
  // `using` is younger than some of the engines.
  esbuild: { target: 'es2022' },
  test: {
    // Against what hangs, not what is slow: software adapters compile for seconds, on shared machines for minutes.
    testTimeout: 180_000,
    maxWorkers: Math.min(availableParallelism(), 4),
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
      { extends: true, test: { ...elsewhere, name: 'dawn', setupFiles: ['tests/targets/dawn.ts'] } },
      { extends: true, test: { ...elsewhere, name: 'deno', setupFiles: ['tests/targets/deno.ts'] } },
      { extends: true, test: { name: 'node', include: ['tests/**/*.node.test.ts'] } },
    ],
  },
});
