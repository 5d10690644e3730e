import { describe, expect, test } from 'vitest';
import * as kernels from '../../src/generated/kernels.ts';
import type { DType } from '../../src/host.ts';
import { KernelError } from '../../src/runtime/errors.ts';
import { Gpu } from '../../src/runtime/gpu.ts';
import type { Kernel } from '../../src/runtime/kernel.ts';
import { specialize } from '../../src/runtime/programs.ts';

// A device with WebGPU's default limits, which every kernel must fit as it stands.
const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('no WebGPU adapter');
const requiredFeatures = (['shader-f16', 'subgroups'] as const).filter((f) => adapter.features.has(f));
const gpu = Gpu.from(await adapter.requestDevice({ requiredFeatures }));
const half = gpu.features.has('shader-f16');

/** The aliases that may be f16 are those the file declares as f32. */
const types = (kernel: Kernel, float: DType): Record<string, DType> =>
  Object.fromEntries(
    kernel.aliases.map((alias) => {
      const stored = new RegExp(`^alias ${alias} = (\\w+);`, 'm').exec(kernel.code)?.[1] as DType;
      return [alias, stored === 'f32' ? float : stored];
    }),
  );

describe.each(Object.values(kernels).map((kernel) => [kernel.name, kernel as Kernel] as const))('%s', (_, kernel) => {
  test('compiles for every op and float type at the default limits', async () => {
    // The override that the `// op` constants are values of; a kernel may also take them as a parameter. Those of ACTIVATION are the same few
    // lines at the end of each product, where compiling the rest six times would cost more than all other kernels: matmul's tests run them.
    const constant = ['OP', 'REDUCTION'].find((name) => name in kernel.constants);
    const variants = constant ? Object.values(kernel.ops).map((op) => ({ [constant]: op })) : [];
    // arange passes its numbers as the bits of a 4-byte type, and its op refuses f16.
    const halves = half && kernel.name !== 'elementwise/arange';
    // Kernels that need more say so, and are chosen only where it is there.
    const lacking = /^enable subgroups;/m.test(kernel.code) && !gpu.features.has('subgroups');
    for (const float of halves ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      for (const constants of variants.length > 0 ? variants : [{}]) {
        const { suspect } = gpu.programs.get(kernel, types(kernel, float), constants, {});
        await suspect.done;
        if (lacking) expect(suspect.error).toBeInstanceOf(KernelError);
        else expect(suspect.error).toBeNull();
      }
    }
  });
});

describe('substitution', () => {
  const kernel: Kernel = {
    ...kernels.fill,
    code: 'alias Scalar = f32;\nconst TILE: u32 = 8;\nfn score(s: f32) -> f32 {\n  if (s > 0) { return s; }\n  return -s;\n}\nfn main() {}',
    tunables: { TILE: 8 },
    aliases: ['Scalar'],
    hooks: ['score'],
  };

  test('replaces aliases, tunables and hooks by name', () => {
    const code = specialize(
      kernel,
      { Scalar: 'f16' },
      { TILE: 4 },
      { score: 'fn score(s: f32) -> f32 { return 2 * s; }' },
    );
    expect(code).toBe(
      'enable f16; alias Scalar = f16;\nconst TILE: u32 = 4;\nfn score(s: f32) -> f32 { return 2 * s; }\nfn main() {}',
    );
  });

  test('refuses a hook that the kernel lacks', () => {
    expect(() => specialize(kernel, {}, {}, { other: 'fn other() {}' })).toThrow('runtime/fill: has no hook other');
  });
});
