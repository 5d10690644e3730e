import { expect, test } from 'vitest';
import { resize } from '../../src/index.ts';
import { Upsample } from '../../src/nn/index.ts';
import { gpu } from '../helpers/gpu.ts';

test('Upsample is resize', async () => {
  const x = gpu.tensor(
    Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    [1, 2, 3, 4],
  );
  const bySize = new Upsample({ size: [5, 7], mode: 'bilinear', alignCorners: true });
  const want = resize(x, { size: [5, 7], mode: 'bilinear', alignCorners: true });
  expect(await bySize.forward(x).data()).toEqual(await want.data());
  const byScale = new Upsample({ scaleFactor: 2 });
  expect(byScale.forward(x).shape).toEqual([1, 2, 6, 8]);
  expect(await byScale.forward(x).data()).toEqual(await resize(x, { scale: 2 }).data());
  expect(() => new Upsample({}).forward(x)).toThrow('resize: either size or scale must be given, got neither');
});
