// Finds an installed Chrome, Chromium or Edge. Node built-ins only: setup runs this before anything is installed.
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const NAMES = {
  linux: [
    'google-chrome',
    'google-chrome-stable',
    'chromium',
    'chromium-browser',
    'chrome',
    'google-chrome-beta',
    'microsoft-edge',
    'microsoft-edge-stable',
  ],
  darwin: [],
  win32: ['chrome.exe', 'msedge.exe'],
};

const MAC_APPS = ['Google Chrome', 'Chromium', 'Google Chrome Beta', 'Google Chrome Canary', 'Microsoft Edge'];
const WINDOWS_APPS = ['Google/Chrome/Application/chrome.exe', 'Chromium/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'];

/** @returns {string[]} where an installation would put the browser, best first */
function installedPaths() {
  const { env, platform } = process;
  if (platform === 'darwin') {
    return ['/Applications', join(homedir(), 'Applications')].flatMap((dir) =>
      MAC_APPS.map((app) => join(dir, `${app}.app`, 'Contents/MacOS', app)),
    );
  }
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean);
  const paths = (NAMES[/** @type {'linux' | 'win32'} */ (platform)] ?? NAMES.linux).flatMap((name) =>
    onPath.map((dir) => join(dir, name)),
  );
  if (platform === 'win32') {
    const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((dir) => dir !== undefined);
    return [...roots.flatMap((dir) => WINDOWS_APPS.map((app) => join(dir, app))), ...paths];
  }
  return [...paths, '/usr/lib/chromium/chromium', '/opt/google/chrome/chrome', '/snap/bin/chromium'];
}

/** @returns {string[]} the builds in the cache that puppeteer and @puppeteer/browsers share, newest first */
function cachedPaths() {
  const root = join(cacheDir(), 'chrome');
  if (!existsSync(root)) return [];
  const newestFirst = readdirSync(root).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return newestFirst.flatMap((build) =>
    readdirSync(join(root, build)).flatMap((dir) =>
      ['chrome', 'chrome.exe', 'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing'].map((file) =>
        join(root, build, dir, file),
      ),
    ),
  );
}

/** Puppeteer's cache, where a downloaded browser goes. */
export const cacheDir = () => process.env.PUPPETEER_CACHE_DIR ?? join(homedir(), '.cache', 'puppeteer');

/**
 * The browser to use: FOVEA_CHROME, else an installed one, else one from puppeteer's cache.
 * @returns {string | undefined} the path of its executable
 */
export function findChrome() {
  const chosen = process.env.FOVEA_CHROME;
  if (chosen) {
    if (!existsSync(chosen)) throw new Error(`FOVEA_CHROME names a file that does not exist: ${chosen}`);
    return chosen;
  }
  return [...installedPaths(), ...cachedPaths()].find((path) => existsSync(path));
}

/**
 * The Vulkan driver file of the SwiftShader that comes with a browser on Linux.
 * @param {string} chrome the browser's executable
 * @returns {string | undefined}
 */
export function findSwiftShader(chrome) {
  // Debian's and Ubuntu's chromium is a shell script in /usr/bin, away from the browser's own folder.
  const folders = [dirname(realpathSync(chrome)), '/usr/lib/chromium', '/usr/lib/chromium-browser'];
  return folders.map((dir) => join(dir, 'vk_swiftshader_icd.json')).find((path) => existsSync(path));
}
