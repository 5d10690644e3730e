// The command line as it is published, dist/cli/fovea.js, and the benchmark as one file for machines without npm,
// dist/bench-dawn.mjs (beside it lies dawn.node of the package webgpu). Their pages are built in.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { tsImport } from 'tsx/esm/api';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = `${root}src/cli/`;

/** Another library is measured in a checkout only: the package does not bring them. */
const PEERS = ['@jax-js/*', '@tensorflow/*', 'onnxruntime-web', 'onnxruntime-web/*'];
/** What a user installs beside the package, for the host they use; and what only a checkout calls. */
const EXTERNAL = ['puppeteer-core', 'webgpu', 'esbuild'];

/** @type {import('esbuild').BuildOptions} */
const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning', legalComments: 'none' };

/** @param {string} entry @param {string[]} external */
async function page(entry, external) {
  const { outputFiles } = await build({ ...common, entryPoints: [entry], minify: true, write: false, external });
  return outputFiles[0]?.text ?? '';
}

/** @param {readonly string[]} names of pages.ts @returns {Promise<Record<string, string>>} */
async function pages(...names) {
  const { SCRIPTS } = await tsImport('../src/cli/pages.ts', import.meta.url);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await page(cli + SCRIPTS[name], PEERS)])),
  );
}

const { commitOf } = await tsImport('../src/cli/bench/system.ts', import.meta.url);
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const ops = readdirSync(`${root}bench`).flatMap((file) => /^(.*)\.bench\.ts$/.exec(file)?.[1] ?? []);

/** @param {string} entry @param {string} outfile @param {Record<string, string>} scripts @param {string[]} external */
const program = (entry, outfile, scripts, external) =>
  build({
    ...common,
    entryPoints: [cli + entry],
    outfile: `${root}dist/${outfile}`,
    platform: 'node',
    external: [...EXTERNAL, ...external],
    // CommonJS packages among what is bundled call it.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module';\nconst require = makeRequire(import.meta.url);",
    },
    define: {
      FOVEA_PAGES: JSON.stringify(scripts),
      FOVEA_BENCHED_OPS: JSON.stringify(ops.sort()),
      FOVEA_BUILD: JSON.stringify({ version, commit: commitOf(root) }),
    },
  });

if (process.argv.includes('--bench')) await program('bench_dawn.ts', 'bench-dawn.mjs', await pages('plots'), []);
else await program('fovea.ts', 'cli/fovea.js', await pages('bench', 'device', 'plots'), PEERS);
