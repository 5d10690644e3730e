// Finds an installed Chrome, Chromium or Edge. Node built-ins only: setup runs this before anything is installed.
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const LINUX_COMMANDS = [
  'google-chrome',
  'google-chrome-stable',
  'chromium',
  'chromium-browser',
  'google-chrome-beta',
  'microsoft-edge',
  'microsoft-edge-stable',
];
const WINDOWS_COMMANDS = ['chrome.exe', 'msedge.exe'];
const MAC_APPS = ['Google Chrome', 'Chromium', 'Google Chrome Beta', 'Google Chrome Canary', 'Microsoft Edge'];
const WINDOWS_APPS = [
  'Google/Chrome/Application/chrome.exe',
  'Chromium/Application/chrome.exe',
  'Microsoft/Edge/Application/msedge.exe',
];

const CACHED_FILES = ['chrome', 'chrome.exe', 'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing'];

/** @returns {string[]} where an installation would put the browser, best first */
function installedPaths() {
  const { env, platform } = process;
  if (platform === 'darwin') {
    return ['/Applications', join(homedir(), 'Applications')].flatMap((dir) =>
      MAC_APPS.map((app) => join(dir, `${app}.app`, 'Contents/MacOS', app)),
    );
  }
  const windows = platform === 'win32';
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean);
  const folders = windows ? onPath : [...onPath, '/usr/bin', '/usr/local/bin', '/snap/bin'];
  const commands = (windows ? WINDOWS_COMMANDS : LINUX_COMMANDS).flatMap((name) =>
    folders.map((dir) => join(dir, name)),
  );
  if (!windows) return commands;
  const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((dir) => dir !== undefined);
  return [...roots.flatMap((dir) => WINDOWS_APPS.map((app) => join(dir, app))), ...commands];
}

/** @returns {string[]} the builds in the cache that puppeteer and @puppeteer/browsers share, newest first */
function cachedPaths() {
  const builds = foldersIn(join(cacheDir(), 'chrome')).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return builds.flatMap(foldersIn).flatMap((dir) => CACHED_FILES.map((file) => join(dir, file)));
}

/** @param {string} dir @returns {string[]} without the files: an interrupted download leaves its archive */
function foldersIn(dir) {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
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

/** Whether Linux shows a GPU of any make: the kernel's own drivers, NVIDIA's, or Windows' through WSL. */
export const hasLinuxGpu = () => ['/dev/dri', '/dev/nvidia0', '/dev/dxg'].some((path) => existsSync(path));
