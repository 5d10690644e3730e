// dist/: for each module of src/ one module and its types, so that a bundler takes only what is imported. Then holds the
// core to its size, and the package to what npm and bundlers expect.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const CORE_LIMIT = 44 * 1024;
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {string} tool one of node_modules/.bin, which npm puts on the path
 * @param {string[]} args
 */
function run(tool, ...args) {
  const shell = process.platform === 'win32';
  if (spawnSync(tool, args, { cwd: root, stdio: 'inherit', shell }).status !== 0) process.exit(1);
}

/** The kernels left out, WGSL and the interfaces read from it: data, which grows with what is imported. @type {import('esbuild').Plugin} */
const withoutWgsl = {
  name: 'without-wgsl',
  setup: ({ onLoad }) => onLoad({ filter: /generated.kernels\.js$/ }, ({ path }) => stripWgsl(path)),
};

/** @param {string} path */
async function stripWgsl(path) {
  const exports = Object.entries(await import(pathToFileURL(path).href));
  const kernels = exports.map(([name, kernel]) => `export const ${name} = ${JSON.stringify({ name: kernel.name })};`);
  return { contents: kernels.join('\n') };
}

async function coreSize() {
  const { outputFiles } = await build({
    entryPoints: [`${root}dist/index.js`],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    plugins: [withoutWgsl],
    external: ['./profile.js'], // the tables and traces of a profile, loaded once one has been taken
  });
  return gzipSync(outputFiles[0]?.contents ?? '').length;
}

rmSync(`${root}dist`, { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.build.json');
run('publint', '--strict');
const size = await coreSize();
console.log(
  `core: ${(size / 1024).toFixed(1)} KB minified and gzipped, without kernels (at most ${CORE_LIMIT / 1024})`,
);
if (size > CORE_LIMIT) process.exit(1);
