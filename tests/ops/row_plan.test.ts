import { expect, test } from 'vitest';
import {
  chunksOf,
  lanesOf,
  planRowMap,
  planRows,
  planShared,
  planWhole,
  rowsPerGroup,
} from '../../src/ops/row_plan.ts';
import { gpu } from '../helpers/gpu.ts';

/** The device of the tests, and one that is taken for a GPU. */
const devices = { here: gpu, 'a GPU': { family: 'unknown' } } as const;
const sizes = [1, 2, 3, 7, 8, 63, 64, 65, 1000, 4096, 16_384, 16_385, 100_000, 1_000_000];

test.each(Object.entries(devices))('plans keep to what the kernels can do: %s', (_, device) => {
  for (const outer of sizes) {
    for (const axis of [0, ...sizes]) {
      for (const inner of sizes) {
        const view = { outer, axis, inner };
        for (const plan of [planRows, planWhole, planShared, planRowMap].map((rule) => rule(device, view))) {
          const { WG, LANES } = lanesOf(plan, inner);
          const { chunk, splits } = chunksOf(axis, plan.splits);
          const sound = Math.log2(LANES) % 1 === 0 && WG <= 256 && WG % LANES === 0 && rowsPerGroup(plan, inner) >= 1;
          if (!sound || plan.splits < 1 || chunk * splits < axis || chunk * (splits - 1) >= Math.max(axis, 1)) {
            throw new Error(`plan for ${JSON.stringify(view)}: ${JSON.stringify(plan)}`);
          }
        }
      }
    }
  }
});

test('no invocation walks over more elements than llvmpipe allows', () => {
  const software = { family: 'lavapipe' } as const;
  for (const outer of [1, 3, 4, 100]) {
    for (const axis of [...sizes, 4_000_000]) {
      for (const rule of [planRows, planWhole, planShared, planRowMap]) {
        const { lanes, splits } = rule(software, { outer, axis, inner: 1 });
        expect(axis / lanes / splits).toBeLessThanOrEqual(16_384);
      }
    }
  }
});

test('beyond the lanes of a workgroup a CPU cuts the rows of softmax too', () => {
  const { lanes, splits } = planShared({ family: 'lavapipe' }, { outer: 1, axis: 10_000_000, inner: 1 });
  expect(10_000_000 / lanes / splits).toBeLessThanOrEqual(16_384);
});

test('a few columns of a GPU are read side by side', () => {
  const { lanes, splits } = planRows({ family: 'unknown' }, { outer: 1, axis: 4096, inner: 64 });
  expect(lanes).toBe(8);
  expect(splits).toBeGreaterThan(8);
});
