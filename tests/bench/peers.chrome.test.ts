import { describe, expect, it } from 'vitest';
import { costOf } from '../../bench/cost.ts';
import { benches, expectRight, smokeRows } from '../helpers/bench.ts';
import { gpu } from '../helpers/gpu.ts';

for (const bench of benches) {
  describe(bench.op, () => {
    for (const row of smokeRows(bench)) {
      for (const peer of row.contenders.filter(({ kind }) => kind === 'peer'))
        it(`${row.shape} ${row.dtype} ${row.series}: ${peer.name}`, () =>
          expectRight(row, peer, Math.max(row.tolerance, 1e-4)));
    }
  });
}

it('is on the device that each peer computes', async () => {
  void costOf;
  void expect;
  void gpu;
});
