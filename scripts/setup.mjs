// Makes ready what a script needs: packages, generated kernels, a browser. npm runs it before each of them, on a bare
// checkout too, so nothing but Node's own modules may be imported before the packages are there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cacheDir, findChrome } from './find-chrome.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  checkNode(process.versions.node);
  if (!packagesAreCurrent()) installPackages();
  run(process.execPath, ['scripts/gen-kernels.mjs'], 'the kernels could not be generated from shaders/');
  if (!process.argv.includes('--no-browser') && !findChrome()) await installBrowser();
} catch (error) {
  console.error(`setup: ${messageOf(error)}`);
  process.exit(1);
}
// A download that was given up may still hold a connection open.
process.exit(0);

/** @param {string} version */
function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = major > 22 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19);
  if (!supported) throw new Error(`Fovea needs Node 20.19, 22.13 or newer, and this is Node ${version}`);
}

/** Whether node_modules holds what package-lock.json says, by npm's own record of what it installed and by the folders that are there. */
function packagesAreCurrent() {
  const record = `${root}node_modules/.package-lock.json`;
  if (!existsSync(record)) return false;
  const { packages: installed } = JSON.parse(readFileSync(record, 'utf8'));
  const { packages: wanted } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8'));
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = installed[path];
    if (path === '' || !found) return path === '' || Boolean(optional);
    return found.version === version && existsSync(root + path);
  });
}

function installPackages() {
  console.log('setup: installing packages');
  // npm names itself to the scripts it runs. On Windows the bare command is a .cmd file, which needs a shell.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) run(process.execPath, [npm, 'ci'], 'npm ci failed');
  else run('npm', ['ci'], 'npm ci failed', { shell: process.platform === 'win32' });
}

async function installBrowser() {
  console.log('setup: no Chrome, Chromium or Edge found; downloading Chrome');
  try {
    await downloadChrome();
  } catch (error) {
    console.log(`setup: no download (${messageOf(error)})`);
    if (isDebianRoot()) tryChromium();
  }
  const chrome = findChrome();
  if (!chrome || spawnSync(chrome, ['--version'], { timeout: 30_000 }).status !== 0) {
    throw new Error('no working browser: install Chrome, Chromium or Edge, or set FOVEA_CHROME to its executable');
  }
}

async function downloadChrome() {
  const { Browser, detectBrowserPlatform, install, resolveBuildId } = await import('@puppeteer/browsers');
  const platform = detectBrowserPlatform();
  if (!platform) throw new Error(`there is no Chrome for ${process.platform} ${process.arch}`);
  /** @type {NodeJS.Timeout} */
  let stalled;
  /** @type {Promise<never>} */
  const silence = new Promise((_, reject) => {
    stalled = setTimeout(() => reject(new Error('the network does not answer')), 20_000);
  });
  const download = async () => {
    const buildId = await resolveBuildId(Browser.CHROME, platform, 'stable');
    await install({
      browser: Browser.CHROME,
      platform,
      buildId,
      cacheDir: cacheDir(),
      installDeps: isDebianRoot(),
      downloadProgressCallback: (done, total) => (done < total ? stalled.refresh() : clearTimeout(stalled)),
    });
  };
  await Promise.race([download(), silence]);
}

function isDebianRoot() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

function tryChromium() {
  console.log('setup: installing the chromium package');
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['ignore', 'ignore', 'inherit'];
  const install = ['install', '-y', '--no-install-recommends', 'chromium'];
  try {
    run('apt-get', ['update'], 'apt-get update failed', { stdio });
    run('apt-get', install, 'apt-get install chromium failed', { stdio });
  } catch (error) {
    console.log(`setup: no package (${messageOf(error)})`);
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} problem what to say when it fails
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
function run(command, args, problem, options = {}) {
  if (spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status !== 0) throw new Error(problem);
}
