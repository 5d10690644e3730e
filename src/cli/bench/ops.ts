import { readdirSync } from 'node:fs';

/** Set by the bundler, where there is no folder to look into. */
declare const FOVEA_BENCHED_OPS: readonly string[] | undefined;

const SUFFIX = '.bench.ts';

/** The ops that have a file bench/<op>.bench.ts. */
export function benchedOps(): readonly string[] {
  if (typeof FOVEA_BENCHED_OPS !== 'undefined') return FOVEA_BENCHED_OPS;
  const files = readdirSync(new URL('../../../bench/', import.meta.url)).filter((file) => file.endsWith(SUFFIX));
  return files.map((file) => file.slice(0, -SUFFIX.length)).sort();
}
