import { beforeEach, expect, test } from 'vitest';
import { loadTuning, saveTuning } from '../../src/tune/store.ts';
import { adapterOf, type Tuning } from '../../src/tune/tuning.ts';
import { VERSION } from '../../src/version.ts';
import { gpu } from '../helpers/gpu.ts';

const plans = { scatter: { '64x64x64': 'walk' } };
const tuning: Tuning = { version: VERSION, adapter: adapterOf(gpu), plans, measured: [] };

beforeEach(
  () =>
    new Promise((resolve) => {
      indexedDB.deleteDatabase('fovea').onsuccess = resolve;
    }),
);

test('what is saved is loaded, the latest', async () => {
  expect(await loadTuning(gpu)).toBeNull();
  await saveTuning({ ...tuning, plans: {} });
  await saveTuning(tuning);
  expect(await loadTuning(gpu)).toEqual(tuning);
});

test('other adapters and versions have their own', async () => {
  await saveTuning({ ...tuning, version: '0.0.1' });
  await saveTuning({ ...tuning, adapter: { ...tuning.adapter, description: 'another' } });
  expect(await loadTuning(gpu)).toBeNull();
});

test('what IndexedDB cannot keep is an error of Fovea', async () => {
  const strange = { ...tuning, plans: { op: { '1': () => 0 } } };
  await expect(saveTuning(strange)).rejects.toThrow(/^saveTuning: IndexedDB refused: /);
  expect(await loadTuning(gpu)).toBeNull();
});
