import type { Target } from '../../src/ops/plans.ts';
import type { Family } from '../../src/runtime/adapter.ts';

/** A device of a family with the default limits of WebGPU and no features, to ask for plans. */
export function target(family: Family): Target {
  const limits = {
    maxComputeWorkgroupStorageSize: 16_384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256,
    maxComputeWorkgroupSizeZ: 64,
  } as GPUSupportedLimits;
  return { family, plans: null, limits, features: new Set() };
}
