import { expect, test } from 'vitest';
import { plan } from '../../../src/ops/attention/plan.ts';
import { target } from '../../helpers/target.ts';

const sizes = { B: 4, H: 16, Hkv: 16, L: 2048, S: 2048, D: 64, Dv: 64 };
const plain = { isPlain: true, isLean: true };
const causal = { isPlain: false, isLean: false };
const gpu = (bytes: number) => {
  const nvidia = target('nvidia');
  return { ...nvidia, limits: { ...nvidia.limits, maxComputeWorkgroupStorageSize: bytes } };
};

test('large tiles where they are whole, many, and there is room for them', () => {
  const tile = (device: ReturnType<typeof gpu>, some: Partial<typeof sizes> = {}, traits = plain) =>
    plan(device, { ...sizes, ...some }, traits).tile;
  expect(tile(gpu(49_152))).toBe(64);
  expect(tile(gpu(16_384))).toBe(32);
  expect(tile(gpu(49_152), {}, causal)).toBe(32);
  expect(tile(gpu(49_152), { L: 2040 })).toBe(32);
  expect(tile(gpu(49_152), { D: 132 })).toBe(32);
  expect(tile(gpu(49_152), { B: 1, H: 8, Hkv: 8, L: 512, S: 512 })).toBe(32);
});

test('ranges where tiles are few', () => {
  expect(plan(gpu(49_152), sizes, plain)).toMatchObject({ variant: 'tiled', splits: 1, rowSplits: 1 });
  const small = { ...sizes, B: 1, H: 8, Hkv: 8, L: 256, S: 256 };
  expect(plan(gpu(49_152), small, plain)).toMatchObject({ variant: 'tiled', splits: 4, rowSplits: 4 });
  const decoding = { ...sizes, B: 1, L: 1 };
  expect(plan(gpu(49_152), decoding, causal)).toMatchObject({ variant: 'tiled', splits: 16, rowSplits: 1 });
});

test('gradients together where a head is one tile, and heads that share keys are many', () => {
  const small = { B: 32, H: 4, Hkv: 4, L: 32, S: 32, D: 32, Dv: 32 };
  const together = (some: Partial<typeof sizes>, forced?: Parameters<typeof plan>[3]) =>
    plan(gpu(49_152), { ...small, ...some }, causal, forced).together;
  expect(together({})).toBe(true);
  expect(together({ L: 33 })).toBe(false);
  expect(together({ S: 33 })).toBe(false);
  expect(together({ Hkv: 2 })).toBe(false);
  expect(together({ Hkv: 2, L: 7 })).toBe(true);
  expect(together({ Hkv: 2, B: 256 })).toBe(true);
  expect(together({}, { rowSplits: 2 })).toBe(false);
  expect(together({}, { together: false })).toBe(false);
  expect(together({ S: 33 }, { together: true })).toBe(false);
});

test('matrix products on CPUs, where nothing is hidden', () => {
  expect(plan(target('swiftshader'), sizes, plain).variant).toBe('matrices');
  expect(plan(target('swiftshader'), sizes, causal).variant).toBe('registers');
  expect(plan(target('lavapipe'), sizes, causal)).toMatchObject({ variant: 'tiled', rows: 4, tile: 32 });
});

test("a table's gradients together serve no call of two tiles", () => {
  const entry = { variant: 'tiled', rows: 8, tile: 32, splits: 1, rowSplits: 1, together: true };
  const device = { ...gpu(49_152), plans: { attention: { '64x1x32x32x64x64x0': entry } } };
  expect(plan(device, { ...sizes, L: 32, S: 32 }, causal).together).toBe(true);
  expect(plan(device, { ...sizes, L: 40, S: 40 }, causal).together).toBe(false);
});

test("a table's large tiles serve no call that hides something", () => {
  const table = {
    attention: { '64x1x2048x2048x64x64x0': { variant: 'tiled', rows: 8, tile: 64, splits: 2, rowSplits: 1 } },
  };
  expect(plan({ ...gpu(49_152), plans: table }, sizes, causal)).toMatchObject({ tile: 32, splits: 2 });
});
