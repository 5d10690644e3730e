import { type PlanTable, planFor, shapeClass } from '../ops/plans.ts';
import { ArgumentError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { VERSION } from '../version.ts';
import { disagreement, interval, median } from './statistics.ts';
import { makeInputs, TUNABLES, type Tunable } from './tunables.ts';
import { adapterOf, candidatesOf, canonical, type Measurement, parseSizes, type Tuning, tunableOf } from './tuning.ts';

export interface Progress {
  /** What is being measured, and how many problems of all are done. */
  readonly op: string;
  readonly shapeClass: string;
  readonly done: number;
  readonly total: number;
}

export interface TuneOptions {
  /** Ops (`matmul`, for its usual shape classes) and problems (`softmax:64x256x1`, sizes as in docs/tuning.md); default all ops. */
  readonly problems?: readonly string[];
  /** Paired rounds in which the fastest plan must hold its own against the default; default 15, at least 7. */
  readonly rounds?: number;
  /** The least gain for which a plan is taken; default 0.05, which is 5%. */
  readonly threshold?: number;
  /** Milliseconds that a sample lasts at least; default 10. */
  readonly sample?: number;
  /** Measure against the rules even where a table is shipped: how shipped tables are made. */
  readonly againstRules?: boolean;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Rounds in which all candidates meet, and in which the fastest few of them meet again. */
const HEATS = 3;
const FINALISTS = 4;

/**
 * Times the plans of ops on this device, and keeps those that are faster than the default beyond noise.
 *
 * For each problem: every candidate's result is held to that of the default plan (equal for integers, to 1e-5 for floats); all of them run in
 * interleaved rounds, the fastest four again; then the fastest alone meets the default in `rounds` fresh pairs, whose order alternates. It is taken
 * if the lower end of the 95% interval of the median ratio lies above 1 + `threshold`.
 *
 * Nothing is applied: see `applyTuning` and `saveTuning`.
 *
 * @throws ArgumentError for an unknown op, sizes that do not fit it, or options out of range
 */
export async function tune(gpu: Gpu, options: TuneOptions = {}): Promise<Tuning> {
  const { problems, ...settings } = checkOptions(options);
  const measured: Measurement[] = [];
  for (const [done, { tunable, sizes }] of problems.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ op: tunable.planning.op, shapeClass: shapeClass(sizes), done, total: problems.length });
    measured.push(await measure(gpu, tunable, sizes, settings));
  }
  return { version: VERSION, adapter: adapterOf(gpu), plans: tableOf(measured), measured };
}

/**
 * The options of `tune` with their defaults, and its problems: what can be said of them without a device.
 *
 * @throws ArgumentError as `tune`
 */
export function checkOptions(options: TuneOptions) {
  const {
    rounds = 15,
    threshold = 0.05,
    sample = 10,
    problems = TUNABLES.map(({ planning }) => planning.op),
  } = options;
  if (!Number.isInteger(rounds) || rounds < 7)
    throw new ArgumentError('tune', `rounds must be a whole number from 7 on, got ${rounds}`);
  if (!(threshold >= 0)) throw new ArgumentError('tune', `threshold must be at least 0, got ${threshold}`);
  if (!(sample > 0)) throw new ArgumentError('tune', `sample must be more than 0, got ${sample}`);
  return { ...options, rounds, threshold, sample, problems: problems.flatMap(parseProblem) };
}

function parseProblem(problem: string): { tunable: Tunable; sizes: number[] }[] {
  const [op = '', name] = problem.split(':');
  const tunable = tunableOf('tune', op);
  const names = name === undefined ? tunable.planning.classes : [name];
  return names.map((n) => ({ tunable, sizes: parseSizes('tune', tunable, n) }));
}

function tableOf(measured: readonly Measurement[]): PlanTable {
  const table: Record<string, Record<string, unknown>> = {};
  for (const { op, shapeClass, plan, usual } of measured) {
    if (plan !== usual) table[op] = { ...table[op], [shapeClass]: plan };
  }
  return table;
}

type Settings = Omit<ReturnType<typeof checkOptions>, 'problems'>;

/** A plan and the way to run it once. */
interface Entrant {
  readonly plan: unknown;
  readonly run: () => readonly Tensor[];
}

async function measure(gpu: Gpu, tunable: Tunable, sizes: readonly number[], settings: Settings): Promise<Measurement> {
  const { op } = tunable.planning;
  const name = shapeClass(sizes);
  const inputs = makeInputs(gpu, tunable, sizes);
  const entrant = (plan: unknown): Entrant => ({
    plan,
    run: () => withPlans(gpu, { [op]: { [name]: plan } }, () => tunable.run(inputs, sizes)),
  });
  const rule = () => tunable.planning.rule(gpu, sizes);
  const usual = entrant(settings.againstRules ? rule() : planFor({ family: gpu.family, plans: null }, op, sizes, rule));
  // Those of the class, for which the plan is kept.
  const others = candidatesOf(gpu, tunable, parseSizes('tune', tunable, name))
    .filter((plan) => canonical(plan) !== canonical(usual.plan))
    .map(entrant);
  try {
    const { sound, refused } = await check(gpu, usual, others);
    const count = await calibrate(gpu, usual, settings.sample);
    const best = await fastest(gpu, sound, count);
    const verdict = best ? await duel(gpu, usual, best, count, settings) : { gain: 1, interval: [1, 1] as const };
    const won = best && verdict.interval[0] > 1 + settings.threshold;
    const plans = { usual: usual.plan, best: (best ?? usual).plan, plan: (won ? best : usual).plan };
    return { op, shapeClass: name, ...plans, ...verdict, candidates: sound.length + 1, refused };
  } finally {
    for (const t of inputs) t.dispose();
  }
}

/** `f` with a table of its own on the device; synchronous, so that nothing else sees it. */
function withPlans<T>(gpu: Gpu, plans: PlanTable, f: () => T): T {
  const before = gpu.plans;
  gpu.plans = plans;
  try {
    return f();
  } finally {
    gpu.plans = before;
  }
}

/** Which entrants give what the default gives. */
async function check(gpu: Gpu, usual: Entrant, others: readonly Entrant[]) {
  const want = await results(usual);
  const sound: Entrant[] = [];
  const refused: { plan: unknown; why: string }[] = [];
  for (const entrant of others) {
    const why = await results(entrant).then(
      (got) => disagreement(got, want),
      (error: Error) => error.message,
    );
    gpu.check('tune'); // a lost device refuses everything
    if (why) refused.push({ plan: entrant.plan, why });
    else sound.push(entrant);
  }
  return { sound, refused };
}

async function results({ run }: Entrant) {
  const outputs = scope(run);
  try {
    return await Promise.all(outputs.map((t) => t.data()));
  } finally {
    for (const t of outputs) t.dispose();
  }
}

/** Milliseconds a run, of `count` in a row. */
async function time(gpu: Gpu, { run }: Entrant, count: number): Promise<number> {
  await gpu.sync();
  const start = performance.now();
  for (let i = 0; i < count; i++) scope(() => void run());
  await gpu.sync();
  return (performance.now() - start) / count;
}

/** How many runs it takes to fill a sample. */
async function calibrate(gpu: Gpu, usual: Entrant, sample: number): Promise<number> {
  for (let count = 1; ; count *= 2) {
    const spent = (await time(gpu, usual, count)) * count;
    if (spent >= sample || count >= 2 ** 14) return count;
  }
}

async function fastest(gpu: Gpu, entrants: readonly Entrant[], count: number): Promise<Entrant | undefined> {
  const finalists = await ranked(gpu, entrants, count);
  return (await ranked(gpu, finalists.slice(0, FINALISTS), count))[0];
}

/** In order of their medians over a few interleaved rounds. */
async function ranked(gpu: Gpu, entrants: readonly Entrant[], count: number): Promise<Entrant[]> {
  const times = new Map<Entrant, number[]>(entrants.map((e) => [e, []]));
  for (let round = 0; round < HEATS; round++) {
    for (const [entrant, own] of times) own.push(await time(gpu, entrant, count));
  }
  return [...entrants].sort((a, b) => median(times.get(a) ?? []) - median(times.get(b) ?? []));
}

/** How much faster `best` is than the default, in pairs of its own: that it was the fastest of many before proves nothing. */
async function duel(gpu: Gpu, usual: Entrant, best: Entrant, count: number, { rounds }: Settings) {
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [usual, best] : [best, usual];
    const times = new Map<Entrant, number>();
    for (const entrant of order) times.set(entrant, await time(gpu, entrant, count));
    ratios.push((times.get(usual) as number) / (times.get(best) as number));
  }
  return { gain: median(ratios), interval: interval(ratios) };
}
