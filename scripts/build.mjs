// dist/: for each module of src/ one module and its types, so that a bundler takes only what is imported. Then holds the
// core to its size, and the package to what npm and bundlers expect.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const CORE_LIMIT = 40 * 1024;
/** Families of fused ops, each with the modules that are its own and its limit, beside the core. */
const FAMILIES = [
  { family: 'attention', modules: /\/(ops\/attention|ops\/reference\/attention\.js)/, limit: 10.5 * 1024 },
  { family: 'convolution', modules: /\/ops\/conv\//, limit: 5 * 1024 },
  { family: 'normalisation', modules: /\/ops\/(norm|reference\/norm\.js)/, limit: 4 * 1024 },
  { family: 'pooling', modules: /\/ops\/(pool|windows)/, limit: 4 * 1024 },
  { family: 'resampling', modules: /\/ops\/(resample|reference\/grid_sample\.js|windows)/, limit: 4 * 1024 },
  { family: 'softmax', modules: /\/ops\/(reference\/)?(gumbel_softmax|hardmax|sparsemax)\.js/, limit: 2 * 1024 },
];
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

/** What all of dist/index.js comes to in a bundle, but for `left`. @param {RegExp[]} left */
async function sizeWithout(left) {
  /** @type {import('esbuild').Plugin} */
  const leave = {
    name: 'leave-out',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) =>
        left.some((modules) => modules.test(new URL(path, pathToFileURL(`${resolveDir}/`)).pathname))
          ? { path, external: true }
          : undefined,
      ),
  };
  const { outputFiles } = await build({
    entryPoints: [`${root}dist/index.js`],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    plugins: [leave, withoutWgsl],
    external: ['./profile.js'], // the tables and traces of a profile, loaded once one has been taken
  });
  return gzipSync(outputFiles[0]?.contents ?? '').length;
}

rmSync(`${root}dist`, { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.build.json');
run('publint', '--strict');
const core = await sizeWithout(FAMILIES.map(({ modules }) => modules));
const sizes = [{ part: 'core', size: core, limit: CORE_LIMIT }];
for (const { family, limit } of FAMILIES) {
  const others = FAMILIES.filter((other) => other.family !== family).map((other) => other.modules);
  sizes.push({ part: family, size: (await sizeWithout(others)) - core, limit });
}
for (const { part, size, limit } of sizes)
  console.log(
    `${part}: ${(size / 1024).toFixed(1)} KB minified and gzipped, without kernels (at most ${limit / 1024})`,
  );
if (sizes.some(({ size, limit }) => size > limit)) process.exit(1);
