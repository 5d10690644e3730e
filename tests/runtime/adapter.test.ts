import { expect, test } from 'vitest';
import { type Family, familyOf, isSoftware } from '../../src/runtime/adapter.ts';
import { gpu } from '../helpers/gpu.ts';

const ADAPTERS: readonly (readonly [Partial<GPUAdapterInfo> | null, Family])[] = [
  [{ vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader Device (LLVM 16.0.0)' }, 'swiftshader'],
  [{ vendor: 'mesa', architecture: '', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, 'lavapipe'],
  [{ vendor: 'microsoft', architecture: 'warp', description: 'Microsoft Basic Render Driver' }, 'warp'],
  [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100' }, 'nvidia'],
  [{ vendor: 'apple', architecture: 'metal-3' }, 'apple'],
  [{ vendor: 'amd', architecture: 'rdna-3', description: 'AMD Radeon RX 7900' }, 'amd'],
  [{ vendor: 'intel', architecture: 'xe' }, 'intel'],
  [{ vendor: 'qualcomm', architecture: 'adreno-7xx' }, 'qualcomm'],
  [{ vendor: '', architecture: '', description: '' }, 'unknown'],
  [{ vendor: 'arm', architecture: 'valhall' }, 'unknown'],
  [null, 'unknown'],
];

test.each(ADAPTERS)('%j is %s', (info, family) => {
  expect(familyOf(info)).toBe(family);
  expect(isSoftware(family)).toBe(['swiftshader', 'lavapipe', 'warp'].includes(family));
});

test('a device knows its family', () => {
  expect(gpu.family).toBe(familyOf(gpu.info));
});
