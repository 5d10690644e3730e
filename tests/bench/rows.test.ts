import { describe, expect, it, vi } from 'vitest';
import { benches, expectRight, smokeRows } from '../helpers/bench.ts';

// A model in training is dozens of kernels, which software adapters compile for seconds each.
vi.setConfig({ testTimeout: 120_000 });

for (const bench of benches) {
  describe(bench.op, () => {
    for (const row of smokeRows(bench)) {
      for (const contender of row.contenders.filter(({ kind }) => kind !== 'peer'))
        it(`${row.shape} ${row.dtype} ${row.series}: ${contender.name}`, () => expectRight(row, contender));
    }
  });
}

const COUNTS = [
  // 5 x 7 sums of 33 products; x, y and the product.
  ['matmul', '5x33 * 33x7', 'forward', 2 * 5 * 7 * 33, 4 * (5 * 33 + 33 * 7 + 5 * 7)],
  ['softmax', '[5, 33]', 'last axis', 5 * 5 * 33, 4 * 2 * 5 * 33],
  // Two heads of 9 queries that see 45 keys in all: two products of 8, and six more.
  ['attention', 'B1 H2 L9 D8 causal', 'forward', 2 * 45 * (2 * 2 * 8 + 6), 4 * 4 * 2 * 9 * 8],
  // Queries 0 and 8 see 3 keys, 1 and 7 see 4, the five between them 5.
  ['attention', 'B1 H2 L9 D8 window 2', 'forward', 2 * 39 * (2 * 2 * 8 + 6), 4 * 4 * 2 * 9 * 8],
  // x, weight, bias, y.
  ['layer_norm', '[5, 33]', 'forward', 7 * 5 * 33, 4 * (2 * 5 * 33 + 2 * 33)],
  ['reduce', '[5, 33]', 'argmax, last axis', 5 * 33, 4 * (5 * 33 + 5)],
] as const;

for (const [op, shape, series, flops, bytes] of COUNTS) {
  it(`${op} ${shape} ${series}: operations and bytes`, () => {
    const bench = benches.find((b) => b.op === op);
    const row = [...(bench?.rows({ dtype: 'f32', smoke: true }) ?? [])].find(
      (r) => r.shape === shape && r.series === series,
    );
    expect({ flops: row?.flops, bytes: row?.bytes }).toEqual({ flops, bytes });
  });
}
