// The page's side: trains a translator and translates with it. Everything goes in and out as JSON.
import { FoveaError, Gpu, scope, type Tensor, valueAndGrad } from '../../src/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/index.ts';
import { Rng } from '../../src/nn/index.ts';
import { Adam } from '../../src/optim/index.ts';
import {
  decode,
  encode,
  lettersOf,
  longest,
  type Pair,
  perturbation,
  type Random,
  seededRandom,
  Vocabulary,
} from './data.ts';
import { AttentionTranslator, type Batch, PlainTranslator, type Translator } from './model.ts';
import type { Model } from './options.ts';
import type { Translation } from './report.ts';

/** What a model file says of itself. */
export interface Config {
  readonly model: Model;
  readonly hidden: number;
  /** The alphabet, in the order of its indices. */
  readonly letters: string;
  /** Letters of a translation at most. */
  readonly longestTarget: number;
}

export interface Job {
  readonly config: Config;
  /** The bytes of a model file in base64, to begin with. */
  readonly load: string | null;
  readonly pairs: readonly Pair[];
  /** Words that no training source may read like. */
  readonly heldOut: readonly string[];
  readonly steps: number;
  readonly lr: number;
  readonly seed: number;
  readonly words: readonly string[];
}

export interface Outcome {
  readonly losses: readonly number[];
  readonly translations: readonly Translation[];
  /** The model file in base64. */
  readonly file: string;
}

/** Called in the process that opened the page. */
declare const progress: (step: number, loss: number) => Promise<void>;

/** Pairs a step at most, and the letters inserted into each of its copies. */
const MAX_PAIRS = 16;
const INSERTED = [0, 1, 2];
/** Training ends when the mean loss of the last steps is below this. Only the training loss has a say in it. */
const WINDOW = 50;
const STOP_LOSS = 0.002;
const PROGRESS_EVERY = 10;
/** Letters of a row of a batch at least; longer words make longer rows. */
const LENGTH = 8;

/** Does the job; what the user can mend (a size over a limit, a file that does not fit) comes back as `refused`. */
export async function run(job: Job): Promise<Outcome | { readonly refused: string }> {
  try {
    return await trainAndTranslate(job);
  } catch (error) {
    if (error instanceof FoveaError) return { refused: error.message };
    throw error;
  }
}

async function trainAndTranslate(job: Job): Promise<Outcome> {
  const { config, words } = job;
  const gpu = await Gpu.create();
  const vocabulary = new Vocabulary(config.letters);
  const sizes = { vocabulary: vocabulary.size, hidden: config.hidden };
  const rng = new Rng(job.seed);
  const model =
    config.model === 'attention' ? new AttentionTranslator(gpu, sizes, rng) : new PlainTranslator(gpu, sizes, rng);
  if (job.load) model.loadStateDict(Object.fromEntries(readSafetensors(fromBase64(job.load)).tensors));
  const losses = job.steps > 0 ? await train(gpu, model, vocabulary, job) : [];
  const translations = await translate(gpu, model.eval(), vocabulary, words, config.longestTarget);
  const file = toBase64(await save(model, config));
  gpu.destroy();
  return { losses, translations, file };
}

async function train(gpu: Gpu, model: Translator, vocabulary: Vocabulary, job: Job): Promise<number[]> {
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { lr: job.lr, clipNorm: 1 });
  const next = batches(gpu, vocabulary, job);
  const losses: number[] = [];
  let reading: Promise<number> | null = null;
  for (let step = 1; step <= job.steps && !converged(losses, STOP_LOSS); step++) {
    const loss = scope(() => {
      const batch = next();
      const { value, grads } = valueAndGrad(() => model.loss(batch), parameters);
      optimizer.step(grads);
      return value;
    });
    const before = reading;
    reading = loss.item();
    loss.dispose();
    // The device works on this step while the loss of the one before comes in.
    if (before) losses.push(await before);
    if (step % PROGRESS_EVERY === 0) await progress(step, losses.at(-1) ?? Number.NaN);
  }
  if (reading) losses.push(await reading);
  await progress(losses.length, losses.at(-1) ?? Number.NaN);
  return losses;
}

function converged(losses: readonly number[], below: number): boolean {
  if (losses.length < WINDOW) return false;
  const last = losses.slice(-WINDOW);
  return last.reduce((a, b) => a + b, 0) / WINDOW < below;
}

/** A function that makes the next batch; all have one shape, so that every step meets the same buffers. */
function batches(gpu: Gpu, vocabulary: Vocabulary, { pairs, heldOut, seed }: Job): () => Batch {
  const random = seededRandom(seed);
  const sources = pairs.map((p) => p.source);
  const perturb = perturbation(pairs, { letters: lettersOf(sources), heldOut });
  const S = Math.max(LENGTH, longest(sources) + Math.max(...INSERTED));
  const T = Math.max(LENGTH, longest(pairs.map((p) => p.target)) + 1);
  const upload = (data: Int32Array, shape: number[]): Tensor => gpu.tensor(data, shape, { dtype: 'i32' });
  const insert = ({ source, target }: Pair, letters: number): string =>
    letters === 0 ? source : insert({ source: perturb({ source, target }, random), target }, letters - 1);
  return () => {
    const clean = pairs.length <= MAX_PAIRS ? pairs : draw(pairs, MAX_PAIRS, random);
    const chosen = INSERTED.flatMap((letters) => clean.map((pair) => ({ pair, letters })));
    const read = chosen.map(({ pair, letters }) => insert(pair, letters));
    const targets = chosen.map(({ pair }) => pair.target);
    const B = chosen.length;
    const source = encode(read, vocabulary, { length: S });
    return {
      source: upload(source.ids, [B, S]),
      lengths: upload(source.lengths, [B]),
      inputs: upload(encode(targets, vocabulary, { start: true, length: T }).ids, [B, T]),
      targets: upload(encode(targets, vocabulary, { end: true, length: T }).ids, [B, T]),
    };
  };
}

function draw<T>(from: readonly T[], count: number, random: Random): T[] {
  return Array.from({ length: count }, () => from[Math.floor(random() * from.length)] as T);
}

async function translate(
  gpu: Gpu,
  model: Translator,
  vocabulary: Vocabulary,
  words: readonly string[],
  steps: number,
): Promise<Translation[]> {
  if (words.length === 0) return [];
  const source = encode(words, vocabulary);
  const { letters, weights } = scope(() => {
    const ids = gpu.tensor(source.ids, [words.length, source.length], { dtype: 'i32' });
    return model.translate(ids, gpu.tensor(source.lengths, [words.length], { dtype: 'i32' }), steps);
  });
  const chosen = (await letters.array()) as number[][];
  const looked = weights && ((await weights.array()) as number[][][]);
  letters.dispose();
  weights?.dispose();
  return words.map((word, i) => {
    const output = decode(chosen[i] ?? [], vocabulary);
    const n = source.lengths[i] ?? 0;
    const attention = looked?.[i]?.slice(0, output.length).map((row) => row.slice(0, n));
    return { source: [...word], output, attention };
  });
}

async function save(model: Translator, config: Config): Promise<Uint8Array> {
  const entries = Object.entries(model.stateDict()).map(
    async ([name, t]) => [name, { shape: t.shape, data: await t.data() }] as const,
  );
  const metadata = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
  return writeSafetensors(Object.fromEntries(await Promise.all(entries)), metadata);
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
