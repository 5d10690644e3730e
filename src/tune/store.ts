// Tunings kept in the browser, one for each adapter and version of the package.
import { FoveaError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { VERSION } from '../version.ts';
import { type Adapter, adapterOf, type Tuning } from './tuning.ts';

const DATABASE = 'fovea';
const STORE = 'tunings';

/**
 * Keeps a tuning in IndexedDB under its adapter and version, in place of an earlier one.
 *
 * @throws FoveaError when the host has no IndexedDB (Node, Deno: keep the JSON in a file), or it refuses
 */
export async function saveTuning(tuning: Tuning): Promise<void> {
  const { version, adapter } = tuning;
  await inStore('saveTuning', 'readwrite', (store) => store.put(tuning, keyOf(adapter, version)));
}

/**
 * The tuning kept for the adapter of `gpu` and this version of the package; null where there is none. It is not applied yet: see `applyTuning`.
 *
 * @throws FoveaError as `saveTuning`
 */
export async function loadTuning(gpu: Gpu): Promise<Tuning | null> {
  const found = await inStore('loadTuning', 'readonly', (store) => store.get(keyOf(adapterOf(gpu), VERSION)));
  return (found as Tuning | undefined) ?? null;
}

const keyOf = ({ vendor, architecture, device, description }: Adapter, version: string): IDBValidKey => [
  vendor,
  architecture,
  device,
  description,
  version,
];

async function inStore<T>(
  op: string,
  mode: IDBTransactionMode,
  request: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  if (!globalThis.indexedDB)
    throw new FoveaError(op, 'this host has no IndexedDB; a tuning is plain JSON and can be kept in a file');
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await settled(opening);
    try {
      const transaction = database.transaction(STORE, mode);
      const asked = request(transaction.objectStore(STORE));
      // The transaction's completion, not the request's, says that a value is kept.
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error as DOMException);
      });
      return asked.result;
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new FoveaError(op, `IndexedDB refused: ${(cause as Error).message}`, { cause });
  }
}

const settled = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error as DOMException);
  });
