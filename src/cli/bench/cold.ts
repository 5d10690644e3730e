// What a page that has never seen a library waits for: its code, its device, its shaders, its first result.
import { gzipSync } from 'node:zlib';
import type { HostOptions } from '../hosts.ts';
import type { ColdStart } from './report.ts';

const ROUNDS = 5;

/** One library: its code as a script that exports `firstResult(): Promise<number[]>`. */
export interface ColdLibrary {
  readonly name: string;
  /** As a page loads it, minified. */
  readonly script: string;
}

/** How to start cold. */
export interface ColdStarter {
  readonly libraries: () => Promise<readonly ColdLibrary[]>;
  /** Runs the script in a browser of its own and gives the milliseconds until `firstResult` resolved. */
  readonly time: (script: string, options: HostOptions) => Promise<number>;
}

/** In turn, so that what slows the machine for a while slows all. */
export async function measureColdStarts(cold: ColdStarter, options: HostOptions): Promise<ColdStart[]> {
  const libraries = await cold.libraries();
  const times = new Map<string, number[]>(libraries.map(({ name }) => [name, []]));
  const errors = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, script } of libraries) {
      if (errors.has(name)) continue;
      try {
        times.get(name)?.push(await cold.time(script, options));
      } catch (error) {
        errors.set(name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  return libraries.map(({ name, script }) => {
    const error = errors.get(name);
    const bytes = gzipSync(script).length;
    return { name, bytes, ...(error === undefined ? { firstResult: times.get(name) ?? [] } : { error }) };
  });
}
