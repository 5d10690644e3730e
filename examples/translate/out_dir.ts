import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../src/cli/errors.ts';

/** Lists the files of a run, so that the next one can take them away. */
export const MANIFEST = 'report.json';

/** Throws a UsageError where `writeOut` could not write: better before the training than after it. */
export async function checkOutDir(outDir: string): Promise<void> {
  try {
    const there = await nearest(resolve(outDir));
    if ((await kindOf(there)) === 'file') throw new UsageError(`${outDir}: ${there} is a file, not a directory`);
    await access(there, constants.W_OK);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${outDir}: it cannot be written (${(error as Error).message})`, { cause: error });
  }
}

/** The path, or the nearest above it that is there. */
async function nearest(path: string): Promise<string> {
  const above = dirname(path);
  return above === path || (await kindOf(path)) !== 'nothing' ? path : nearest(above);
}

/**
 * Puts the files into `outDir` once all of them are written, and gives their paths. The files that an earlier run put
 * there, and only those, go; other files stay. On an error everything is as it was.
 */
export async function writeOut(outDir: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<string[]> {
  const target = resolve(outDir);
  const isThere = (await kindOf(target)) === 'directory';
  // Inside a directory that is there: beside it may be another file system, or no permission.
  const staging = `${isThere ? join(target, 'report') : target}.new-${randomUUID().slice(0, 8)}`;
  await mkdir(staging, { recursive: true });
  try {
    for (const [name, data] of files) await writeFile(join(staging, name), data);
    if (!isThere) {
      await rename(staging, target);
    } else {
      const stale = (await earlierFiles(target)).filter((name) => !files.has(name));
      for (const name of files.keys()) await rename(join(staging, name), join(target, name));
      for (const name of stale) await rm(join(target, name), { force: true });
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return [...files.keys()].map((name) => join(outDir, name));
}

async function earlierFiles(dir: string): Promise<string[]> {
  let files: unknown;
  try {
    files = JSON.parse(await readFile(join(dir, MANIFEST), 'utf8')).files;
  } catch {
    // No run of ours wrote here.
  }
  const names = Array.isArray(files) ? files.filter((name) => typeof name === 'string' && basename(name) === name) : [];
  const kinds = await Promise.all(names.map((name) => kindOf(join(dir, name))));
  return names.filter((_, i) => kinds[i] === 'file');
}

async function kindOf(path: string): Promise<'directory' | 'file' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing';
    throw error;
  }
}
