import { readFile } from 'node:fs/promises';
import { UsageError } from '../../src/cli/errors.ts';
import { type Pair, parsePairs } from './data.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a directory, not a file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
};

/** The bytes of a file that the user named. */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new UsageError(`${path}: ${REASONS[code] ?? `it cannot be read (${message})`}`, { cause: error });
  }
}

export async function readPairs(path: string): Promise<Pair[]> {
  return parsePairs(await readInput(path), path);
}
