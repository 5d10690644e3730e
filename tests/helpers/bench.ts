/// <reference types="vite/client" />
import type { Bench, Contender, Row } from '../../bench/bench.ts';
import { expectClose } from '../../src/testing/check.ts';
import { gpu } from './gpu.ts';

/** All files of rows. */
export const benches: readonly Bench[] = Object.values(
  import.meta.glob<{ default: Bench }>('../../bench/*.bench.ts', { eager: true }),
).map((module) => module.default);

/** The small rows of a bench, in each dtype that the device has. */
export function* smokeRows({ rows }: Bench): Generator<Row> {
  yield* rows({ dtype: 'f32', smoke: true });
  if (gpu.features.has('shader-f16')) yield* rows({ dtype: 'f16', smoke: true });
}

/** Holds what a contender computes to the row's reference, twice: what it keeps between runs may not change its results. */
export async function expectRight(row: Row, contender: Contender, tolerance = row.tolerance): Promise<void> {
  const running = await contender.open(gpu, 2);
  try {
    await running.run(1);
    await running.finish();
    const results = await running.results();
    const want = await row.reference();
    if (results.length !== want.length)
      throw new Error(`${contender.name} gives ${results.length} results, should give ${want.length}`);
    for (const [i, nd] of want.entries())
      expectClose(`${contender.name}, result ${i}`, results[i] as (typeof results)[number], nd, tolerance);
  } finally {
    running.close();
  }
}
