import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findChrome, findSwiftShader } from '../../scripts/find-chrome.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fovea-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function touch(path: string) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  return path;
}

test('FOVEA_CHROME comes first, and a wrong one is an error that names it', () => {
  vi.stubEnv('FOVEA_CHROME', touch(join(dir, 'mine')));
  expect(findChrome()).toBe(join(dir, 'mine'));
  vi.stubEnv('FOVEA_CHROME', join(dir, 'gone'));
  expect(findChrome).toThrow(`FOVEA_CHROME names a file that does not exist: ${join(dir, 'gone')}`);
});

test.runIf(process.platform === 'linux')('a browser on the path comes before the cache', () => {
  vi.stubEnv('PUPPETEER_CACHE_DIR', dir);
  touch(join(dir, 'chrome/linux-131.0.1/chrome-linux64/chrome'));
  vi.stubEnv('PATH', join(dir, 'bin'));
  const chromium = touch(join(dir, 'bin/chromium'));
  expect(findChrome()).toBe(chromium);
});

test.runIf(process.platform === 'linux')('SwiftShader lies beside the browser', () => {
  const driver = touch(join(dir, 'vk_swiftshader_icd.json'));
  expect(findSwiftShader(touch(join(dir, 'chrome')))).toBe(driver);
});
