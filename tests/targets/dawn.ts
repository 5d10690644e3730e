// Gives Node a `navigator.gpu`: Dawn, which is Chrome's WebGPU, as a native module.
import { create, globals } from 'webgpu';
import { findChrome, findSwiftShader } from '../../scripts/find-chrome.mjs';

async function createGpu() {
  const gpu = create([]);
  if (await gpu.requestAdapter()) return gpu;
  // No driver: borrow the software one that comes with the browser.
  const chrome = findChrome();
  const swiftShader = chrome && findSwiftShader(chrome);
  if (!swiftShader) throw new Error('dawn: no GPU driver, and no browser with SwiftShader beside it: tests need either');
  process.env.VK_ICD_FILENAMES = swiftShader;
  return create([]);
}

// Setup files run again for each test file, in the same process.
if (!('GPUDevice' in globalThis)) {
  Object.assign(globalThis, globals);
  // The navigator also keeps the object alive: once collected, no promise of its devices settles any more.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: await createGpu() } });
}
