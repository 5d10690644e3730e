// `npm start`: trains a translator with attention in headless Chrome, translates, and shows where it looked.
import { fileURLToPath } from 'node:url';
import { type Chrome, withModule } from '../../src/cli/chrome.ts';
import { UsageError } from '../../src/cli/errors.ts';
import { FormatError, readSafetensors } from '../../src/io/index.ts';
import {
  DEFAULT_LETTERS,
  DEFAULT_PAIRS,
  DEFAULT_UNSEEN,
  encode,
  lettersOf,
  longest,
  type Pair,
  Vocabulary,
} from './data.ts';
import { readInput, readPairs } from './files.ts';
import { MODELS, type Model, type Options, parseOptions } from './options.ts';
import { checkOutDir } from './out_dir.ts';
import { type Progress, showProgress, silent } from './progress.ts';
import { type Translation, writeReport } from './report.ts';
import type { Config, Job, Outcome } from './train.ts';

type Train = typeof import('./train.ts');

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function main(options: Options): Promise<void> {
  const pairs = options.pairs ? await readPairs(options.pairs) : DEFAULT_PAIRS;
  const loaded = options.load ? await readModel(options.load) : null;
  const config = loaded?.config ?? configOf(options, pairs);
  const job = jobOf(options, pairs, config, loaded?.base64 ?? null);
  await checkOutDir(options.out);
  const progress = options.json || job.steps === 0 ? silent : showProgress(job.steps);
  const entry = fileURLToPath(new URL('./train.ts', import.meta.url));
  const handlers = { progress: (step: number, loss: number) => progress.update(step, loss) };
  const started = performance.now();
  await withModule<Train, void>(entry, handlers, async ({ call }, chrome) => {
    if (!options.json) console.error(`adapter: ${chrome.adapter}`);
    const outcome = await runJob(() => call('run', job), progress);
    const seconds = (performance.now() - started) / 1000;
    const files = await report(chrome, options, job, outcome);
    print(options, chrome, job, outcome, files, seconds);
  });
}

async function runJob(run: () => ReturnType<Train['run']>, progress: Progress): Promise<Outcome> {
  try {
    const outcome = await run();
    if ('refused' in outcome) throw new UsageError(outcome.refused);
    return outcome;
  } finally {
    progress.stop();
  }
}

function configOf({ model, hidden, pairs: file }: Options, pairs: readonly Pair[]): Config {
  const letters = file ? lettersOf(pairs.flatMap(({ source, target }) => [source, target])).join('') : DEFAULT_LETTERS;
  // One more than the longest target, so that a translation which does not end shows.
  return { model, hidden, letters, longestTarget: longest(pairs.map((p) => p.target)) + 1 };
}

/** Checks every word against the alphabet, before a browser is started. */
function jobOf(options: Options, pairs: readonly Pair[], config: Config, load: string | null): Job {
  const { steps, lr, seed } = options;
  const heldOut = options.pairs ? [] : DEFAULT_UNSEEN;
  const words = options.translate ?? [...new Set([...pairs.map((p) => p.source), ...heldOut])];
  const vocabulary = new Vocabulary(config.letters);
  encode(words, vocabulary);
  if (steps > 0)
    encode(
      pairs.flatMap(({ source, target }) => [source, target]),
      vocabulary,
    );
  return { config, load, pairs, heldOut, steps, lr, seed, words };
}

async function readModel(path: string): Promise<{ config: Config; base64: string }> {
  const bytes = await readInput(path);
  try {
    const { metadata } = readSafetensors(bytes);
    return { config: configFrom(path, metadata), base64: Buffer.from(bytes).toString('base64') };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(`${path}: ${error.message}`, { cause: error });
  }
}

function configFrom(path: string, metadata: Readonly<Record<string, string>>): Config {
  const { model, hidden, letters, longestTarget } = metadata;
  const known = MODELS.find((kind): kind is Model => kind === model);
  if (!known || !letters || !Number(hidden) || !Number(longestTarget))
    throw new UsageError(`${path}: it is not a model of this translator`);
  return { model: known, hidden: Number(hidden), letters, longestTarget: Number(longestTarget) };
}

async function report(chrome: Chrome, options: Options, job: Job, outcome: Outcome): Promise<string[]> {
  const { config, steps, lr, seed } = job;
  const trained = steps > 0 ? { steps: outcome.losses.length, lr, seed } : {};
  return writeReport(chrome, options.out, {
    title: config.model === 'attention' ? 'A translator with additive attention' : 'A translator without attention',
    losses: outcome.losses,
    translations: outcome.translations,
    meta: { adapter: chrome.adapter, model: config.model, hidden: config.hidden, ...trained },
    files: { 'model.safetensors': Buffer.from(outcome.file, 'base64') },
  });
}

function print(
  options: Options,
  { adapter }: Chrome,
  { config }: Job,
  { losses, translations }: Outcome,
  files: readonly string[],
  seconds: number,
): void {
  const text = (word: Translation): [string, string] => [word.source.join(''), word.output.join('')];
  const loss = losses.at(-1) ?? null;
  if (options.json) {
    const { model, hidden } = config;
    const words = Object.fromEntries(translations.map(text));
    console.log(JSON.stringify({ adapter, model, hidden, steps: losses.length, loss, translations: words, files }));
    return;
  }
  if (loss !== null) console.log(`trained ${losses.length} steps in ${seconds.toFixed(1)} s, loss ${loss.toFixed(4)}`);
  const width = Math.max(...translations.map(({ source }) => source.length));
  for (const [source, output] of translations.map(text)) console.log(`${source.padEnd(width)} -> ${output}`);
  console.log(
    `pictures: ${files.find((f) => f.endsWith('index.html'))}, model: ${files.find((f) => f.endsWith('.safetensors'))}`,
  );
}
