#!/usr/bin/env node
// The published package holds the built command line; in a checkout its sources run as they are.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

if (existsSync(at('src/cli/checkout.ts'))) {
  const browser = process.argv.includes('dawn') ? ['--no-browser'] : [];
  const setup = spawnSync(process.execPath, [at('scripts/setup.mjs'), ...browser], { stdio: ['ignore', 2, 2] });
  if (setup.status !== 0) process.exit(1);
  const { register } = await import('tsx/esm/api');
  register();
  await import('../src/cli/checkout.ts');
} else {
  await import('../dist/cli/fovea.js');
}
