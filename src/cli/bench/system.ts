import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.ts';

/** Set by the bundler. */
declare const FOVEA_BUILD: { readonly version: string; readonly commit: string | null } | undefined;

/** When, what and where a report is of. */
export function about(): Pick<Report, 'date' | 'version' | 'commit' | 'system'> {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    ...(typeof FOVEA_BUILD === 'undefined' ? checkout() : FOVEA_BUILD),
    system: {
      os: `${type()} ${release()}`,
      cpu: processors[0]?.model.trim() || 'unknown processor',
      cores: processors.length,
      node: process.version,
    },
  };
}

function checkout() {
  const root = new URL('../../../', import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  return { version, commit: commitOf(fileURLToPath(root)) };
}

/** The commit that is checked out in `folder`, with a + where files differ from it; null where there is no git. */
export function commitOf(folder: string): string | null {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  const head = git('rev-parse', '--short=12', 'HEAD');
  if (head.status !== 0) return null;
  return head.stdout.trim() + (git('status', '--porcelain').stdout.trim() === '' ? '' : '+');
}
