import { describe, it } from 'vitest';
import { benches, expectRight, smokeRows } from '../helpers/bench.ts';

for (const bench of benches) {
  describe(bench.op, () => {
    for (const row of smokeRows(bench)) {
      for (const contender of row.contenders.filter(({ kind }) => kind !== 'peer'))
        it(`${row.shape} ${row.dtype} ${row.series}: ${contender.name}`, () => expectRight(row, contender));
    }
  });
}
