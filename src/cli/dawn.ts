import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { UsageError } from './errors.ts';
import type { HostInfo } from './hosts.ts';

/** Dawn's native module. */
interface Dawn {
  readonly create: (toggles: string[]) => GPU;
  readonly globals: object;
}

/** Experimental features where the adapter has them, f16 on NVIDIA among them, and timestamps as the device gives them. */
const TOGGLES = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
];

/** Gives this process a `navigator.gpu`, Dawn's. The caller ends the process with `process.exit`: Dawn would keep it alive. */
export async function withDawn<T>(flags: readonly string[], use: (info: HostInfo) => Promise<T>): Promise<T> {
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // Mesa, where installed, complains without one.
  const [{ create, globals }, runtime] = await loadDawn();
  const toggles = [...TOGGLES, ...flags];
  const gpu = create(toggles);
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: `Node.js/${process.versions.node}` },
    configurable: true,
  });
  if (!(await gpu.requestAdapter())) {
    throw new UsageError(
      'Dawn found no WebGPU adapter: it needs a Vulkan, Metal or D3D12 driver; on Linux VK_ICD_FILENAMES may name the driver file, ' +
        "SwiftShader's among them (vk_swiftshader_icd.json, which comes with Chrome)",
    );
  }
  return use({ host: 'dawn', runtime, flags: toggles });
}

/** The package `webgpu`, or its native file beside this one. */
async function loadDawn(): Promise<readonly [Dawn, string]> {
  const beside = fileURLToPath(new URL('dawn.node', import.meta.url));
  const require = createRequire(import.meta.url);
  if (existsSync(beside)) return [require(beside) as Dawn, 'Dawn (dawn.node)'];
  let path: string;
  try {
    path = require.resolve('webgpu');
  } catch {
    throw new UsageError(
      `--host dawn needs the package webgpu (npm install webgpu), or its dist/${process.platform}-${process.arch}/dawn.node as ${beside}`,
    );
  }
  const { version } = require(path.replace(/index\.js$/, 'package.json')) as { version: string };
  return [(await import('webgpu')) as Dawn, `Dawn (webgpu ${version})`];
}
