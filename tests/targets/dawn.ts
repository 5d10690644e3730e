// Gives Node a `navigator.gpu`: Dawn, which is Chrome's WebGPU, as a native module.
import { tmpdir } from 'node:os';
import { create, globals } from 'webgpu';
import { findChrome, findSwiftShader, hasLinuxGpu } from '../../scripts/find-chrome.mjs';
import { ZEROS_BY_LOOP } from './software.ts';

process.env.XDG_RUNTIME_DIR ??= tmpdir(); // Mesa, where installed, complains without one.

async function createGpu() {
  if (process.platform === 'linux' && !hasLinuxGpu() && !process.env.VK_ICD_FILENAMES) {
    const chrome = findChrome();
    const swiftShader = chrome && findSwiftShader(chrome);
    if (!swiftShader) throw new Error('dawn: there is neither a GPU nor a browser whose SwiftShader could stand in');
    process.env.VK_ICD_FILENAMES = swiftShader;
  }
  // Of NVIDIA's f16 Dawn is not sure enough to offer it unasked.
  const gpu = create(['enable-dawn-features=vulkan_enable_f16_on_nvidia', ...ZEROS_BY_LOOP]);
  const info = (await gpu.requestAdapter())?.info;
  if (!info) throw new Error('dawn: no WebGPU adapter: tests never pass without one');
  console.log(`dawn: ${info.vendor} ${info.architecture} ${info.description}`);
  return gpu;
}

// Setup files run again for each test file, in the same process.
if (!('GPUDevice' in globalThis)) {
  // This also keeps the object alive: once it is collected, no promise of its devices settles any more.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: await createGpu() } });
  Object.assign(globalThis, globals);
}
