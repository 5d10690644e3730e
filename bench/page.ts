// The browser's side of `npm run bench`.
import { Gpu, scope } from '../src/index.ts';
import { expectClose } from '../src/testing/index.ts';
import type { Bench, Contender, Row } from './bench.ts';

export interface Measured {
  readonly name: string;
  /** Milliseconds a run, the median of the rounds; absent when the result was wrong. */
  readonly median?: number;
  readonly error?: string;
  readonly dispatches: number;
  readonly bytesAllocated: number;
}

export interface MeasuredRow {
  readonly op: string;
  readonly shape: string;
  readonly flops: number;
  readonly bytes: number;
  readonly contenders: readonly Measured[];
}

/** A sample lasts at least this long, so that the clock's grain does not show. */
const SAMPLE_MS = 30;

declare const report: (row: MeasuredRow) => Promise<void>;

/** Measures one file of rows; each row goes to the caller's `report` as soon as it is done. */
export async function run(op: string, rounds: number): Promise<void> {
  const module: { default: Bench } = await import(`./${op}.bench.ts`);
  const gpu = await Gpu.create();
  for (const row of module.default.rows(gpu)) {
    const { shape, flops, bytes } = row;
    const contenders = await measure(gpu, row, rounds);
    await report({ op: module.default.op, shape, flops, bytes, contenders });
    row.dispose();
  }
  gpu.destroy();
}

/** Correctness first, then interleaved rounds: A B C A B C. */
async function measure(gpu: Gpu, row: Row, rounds: number): Promise<Measured[]> {
  const checked = [];
  for (const contender of row.contenders) checked.push({ contender, ...(await check(gpu, row, contender)) });
  const right = checked.filter((c) => c.error === undefined);
  const repeats = new Map<Contender, number>();
  for (const { contender } of right) repeats.set(contender, await calibrate(gpu, contender));
  const samples = new Map<Contender, number[]>(right.map(({ contender }) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { contender } of right)
      samples.get(contender)?.push(await time(gpu, contender, repeats.get(contender) ?? 1));
  }
  return checked.map(({ contender, error, dispatches, bytesAllocated }) => ({
    name: contender.name,
    dispatches,
    bytesAllocated,
    ...(error === undefined ? { median: median(samples.get(contender) ?? []) } : { error }),
  }));
}

async function check(gpu: Gpu, row: Row, { name, run }: Contender) {
  await gpu.sync();
  gpu.resetCounters();
  const result = scope(run);
  const { dispatches, bytesAllocated } = gpu.counters();
  const got = { shape: result.shape, data: await result.data() };
  result.dispose();
  try {
    expectClose(name, got, await row.reference(), row.tolerance);
    return { dispatches, bytesAllocated };
  } catch (error) {
    return { dispatches, bytesAllocated, error: String(error) };
  }
}

/** Runs until warm, and the number of runs that fills a sample. */
async function calibrate(gpu: Gpu, contender: Contender): Promise<number> {
  let repeats = 1;
  for (;;) {
    const elapsed = (await time(gpu, contender, repeats)) * repeats;
    if (elapsed >= SAMPLE_MS) return repeats;
    repeats = Math.ceil(repeats * Math.min(8, Math.max(1.5, (1.2 * SAMPLE_MS) / Math.max(elapsed, 0.1))));
  }
}

async function time(gpu: Gpu, { run }: Contender, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) scope(() => void run());
  await gpu.sync();
  return (performance.now() - start) / repeats;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
