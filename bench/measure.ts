import type { Gpu, Roofline } from '../src/index.ts';
import { expectClose } from '../src/testing/index.ts';
import type { Contender, Kind, Row, Running } from './bench.ts';
import { type Cost, costOf } from './cost.ts';
import { type Load, multiplyAdds } from './roofline.ts';
import { median } from './stats.ts';

export interface Measured {
  readonly name: string;
  readonly kind: Kind;
  /** Why it has no time: it cannot do the row here, or what it computed was wrong. */
  readonly error?: string;
  /** What the run asks of WebGPU, once everything is warm. */
  readonly cost?: Cost;
  /**
   * One sample a round, by the host's clock with many runs a submit, as a multiple of what a fixed load took beside it: a machine that is
   * slower for a while slows both, so that runs can be compared.
   */
  readonly relative?: readonly number[];
  /** The least time that the roofline allows as a part of the time it took: by the host's clock, and by the device's. */
  readonly share?: number;
  readonly gpuShare?: number;
  /** Milliseconds a run by the host's clock, one a round. Nobody's times on a software adapter are kept: they say nothing about a GPU. */
  readonly host?: readonly number[];
  /** Milliseconds a run by the device's clock. */
  readonly gpu?: readonly number[];
}

export interface MeasuredRow {
  readonly op: string;
  readonly shape: string;
  readonly dtype: string;
  readonly series: string;
  readonly size: number;
  readonly flops: number;
  readonly bytes: number;
  /** Which of the two the roofline expects to take longer. */
  readonly bound: 'memory' | 'arithmetic';
  readonly contenders: readonly Measured[];
}

export interface MethodOptions {
  readonly rounds: number;
  /** Nothing is warmed up, and samples are single runs: to see that everything runs, not how fast. */
  readonly smoke: boolean;
  readonly software: boolean;
}

/** A sample lasts at least this long, so that the clock's grain does not show. */
const SAMPLE_MS = 30;
/** Warm is who did not get faster by more than this in the last three samples. */
const STEADY = 0.05;
const MAX_WARM_UP = 12;
/** What repeated runs together read and write, where memory is the bound: more than any cache holds. */
const WORKING_SET = { software: 2 ** 26, gpu: 2 ** 28 };
const MAX_COPIES = 32;
/** Another library computes the same when it is within this, though Fovea itself is held to less. */
const PEER_TOLERANCE = 1e-4;
const CLOCK_INVOCATIONS = { software: 512, gpu: 1 << 16 };

interface Entry {
  readonly contender: Contender;
  readonly running: Running;
  readonly cost: Cost;
  readonly host: number[];
  readonly relative: number[];
  readonly gpu: number[];
  /** Runs that fill a sample, and how many there have been: each goes to the next copy of the inputs. */
  repeats: number;
  runs: number;
}

/** Correctness first, then warm-up, then interleaved rounds: A B C A B C. */
export async function measure(
  gpu: Gpu,
  op: string,
  row: Row,
  roofline: Roofline,
  options: MethodOptions,
): Promise<MeasuredRow> {
  const { shape, dtype, series, size, flops, bytes } = row;
  const { bytesPerSecond, flopsPerSecond, flopsPerSecondF16 = flopsPerSecond } = roofline;
  const arithmetic = (1000 * flops) / (dtype === 'f16' ? flopsPerSecondF16 : flopsPerSecond);
  const memory = (1000 * bytes) / bytesPerSecond;
  const bound = memory > arithmetic ? 'memory' : 'arithmetic';
  const copies = bound === 'memory' && !options.smoke ? copiesOf(bytes, options) : 1;
  const entries: Entry[] = [];
  const measured: Measured[] = [];
  const reference = await row.reference();
  try {
    for (const contender of row.contenders) {
      const opened = await check(gpu, contender, copies, row, reference);
      if ('error' in opened) measured.push({ name: contender.name, kind: contender.kind, error: opened.error });
      else entries.push(opened);
    }
    await rounds(gpu, entries, options);
  } finally {
    for (const { running } of entries) running.close();
    gpu.trim();
  }
  const least = Math.max(memory, arithmetic);
  measured.push(...entries.map((entry) => resultOf(entry, least, options)));
  const order = row.contenders.map(({ name }) => name);
  measured.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return { op, shape, dtype, series, size, flops, bytes, bound, contenders: measured };
}

function resultOf(
  { contender, cost, host, relative, gpu }: Entry,
  least: number,
  { software }: MethodOptions,
): Measured {
  const { name, kind } = contender;
  const timed = gpu.length > 0;
  const shares = { share: least / median(host), ...(timed ? { gpuShare: least / median(gpu) } : {}) };
  return { name, kind, cost, relative, ...shares, ...(software ? {} : { host, ...(timed ? { gpu } : {}) }) };
}

function copiesOf(bytes: number, { software }: MethodOptions): number {
  return Math.max(1, Math.min(MAX_COPIES, Math.ceil(WORKING_SET[software ? 'software' : 'gpu'] / bytes)));
}

/** Opens a contender and holds its results to the reference; what cannot run or computes something else gets no time. */
async function check(
  gpu: Gpu,
  contender: Contender,
  copies: number,
  row: Row,
  reference: Awaited<ReturnType<Row['reference']>>,
): Promise<Entry | { readonly error: string }> {
  let running: Running | undefined;
  try {
    running = await contender.open(gpu, copies);
    const results = await running.results();
    if (results.length !== reference.length)
      throw new Error(`it gives ${results.length} results, the definition ${reference.length}`);
    const tolerance = contender.kind === 'peer' ? Math.max(row.tolerance, PEER_TOLERANCE) : row.tolerance;
    for (const [i, want] of reference.entries())
      expectClose(`result ${i}`, results[i] as (typeof results)[number], want, tolerance);
    // The second run: what the first made is there.
    await once(running, 0);
    const cost = await costOf(() => once(running as Running, 0));
    return { contender, running, cost, host: [], relative: [], gpu: [], repeats: 1, runs: 0 };
  } catch (error) {
    running?.close();
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function once(running: Running, i: number): Promise<void> {
  await running.run(i);
  await running.finish();
}

async function rounds(gpu: Gpu, entries: readonly Entry[], options: MethodOptions): Promise<void> {
  const clock = multiplyAdds(gpu, 'f32', CLOCK_INVOCATIONS[options.software ? 'software' : 'gpu']);
  const clockRepeats = options.smoke ? 1 : await calibrate((n) => timeClock(gpu, clock, n));
  if (!options.smoke) for (const entry of entries) await warmUp(entry);
  for (let round = 0; round < options.rounds; round++) {
    const ticks = await timeClock(gpu, clock, clockRepeats);
    for (const entry of entries) {
      const { running, repeats, host, relative, gpu } = entry;
      const elapsed = await time(entry, repeats);
      host.push(elapsed);
      relative.push(elapsed / ticks);
      const device = await running.gpuTime?.(entry.runs++);
      if (device) gpu.push(device / 1e6);
    }
  }
  clock.dispose();
}

/** Runs until it gets no faster, and sets how many runs fill a sample. */
async function warmUp(entry: Entry): Promise<void> {
  entry.repeats = await calibrate((n) => time(entry, n));
  const samples: number[] = [];
  while (samples.length < MAX_WARM_UP) {
    samples.push(await time(entry, entry.repeats));
    const last = samples.slice(-3);
    if (last.length === 3 && Math.max(...last) / Math.min(...last) < 1 + STEADY) break;
    const spent = samples.length * entry.repeats * median(samples);
    if (spent > 20 * SAMPLE_MS && (samples.length >= 3 || spent > 100 * SAMPLE_MS)) break;
  }
}

/** How many runs fill a sample, by a function that gives the milliseconds a run when there are `n`. */
async function calibrate(time: (n: number) => Promise<number>): Promise<number> {
  let repeats = 1;
  for (;;) {
    const elapsed = (await time(repeats)) * repeats;
    if (elapsed >= SAMPLE_MS) return repeats;
    repeats = Math.ceil(repeats * Math.min(8, Math.max(1.5, (1.2 * SAMPLE_MS) / Math.max(elapsed, 0.1))));
  }
}

/** Milliseconds a run, of `repeats` enqueued one after the other. */
async function time(entry: Entry, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const pending = entry.running.run(entry.runs++);
    if (pending) await pending;
  }
  await entry.running.finish();
  return (performance.now() - start) / repeats;
}

async function timeClock(gpu: Gpu, clock: Load, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) clock.record();
  await gpu.sync();
  return (performance.now() - start) / repeats;
}
