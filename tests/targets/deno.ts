// Deno brings `navigator.gpu`: wgpu, whose shader compiler is Firefox's. Without a GPU it runs on Mesa's lavapipe, the one
// software adapter with f16.
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { hasLinuxGpu } from '../../scripts/find-chrome.mjs';

const DRIVERS = '/usr/share/vulkan/icd.d';

if (!('Deno' in globalThis)) throw new Error('deno: these tests run under Deno, by npm run test:deno');

if (process.platform === 'linux' && !hasLinuxGpu() && !process.env.VK_ICD_FILENAMES) {
  const lavapipe = existsSync(DRIVERS) && readdirSync(DRIVERS).find((file) => file.startsWith('lvp_icd'));
  if (!lavapipe) throw new Error('deno: there is no GPU and no lavapipe: install the package mesa-vulkan-drivers');
  process.env.VK_ICD_FILENAMES = `${DRIVERS}/${lavapipe}`;
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // Mesa complains without one.
}

const adapter = await navigator.gpu.requestAdapter();
if (!adapter?.features.has('shader-f16')) {
  throw new Error(`deno: ${adapter ? `no shader-f16 on ${adapter.info.description}` : 'no WebGPU adapter'}`);
}
