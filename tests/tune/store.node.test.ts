import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Gpu } from '../../src/runtime/gpu.ts';
import { loadTuning, saveTuning } from '../../src/tune/store.ts';
import { VERSION } from '../../src/version.ts';

test('the version that tunings are kept under is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
});

test('without IndexedDB: says what to do instead', async () => {
  const adapter = { vendor: '', architecture: '', device: '', description: '' };
  const message = /this host has no IndexedDB; a tuning is plain JSON and can be kept in a file$/;
  await expect(saveTuning({ version: VERSION, adapter, plans: {}, measured: [] })).rejects.toThrow(message);
  await expect(loadTuning({ info: null } as Gpu)).rejects.toThrow(message);
});
