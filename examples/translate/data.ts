// The translator's words: pairs out of a TSV file, the alphabet, index arrays, perturbed sources. Runs in pages too.
//
// A letter is a Unicode code point of the NFC form, so that an é is one letter however the file spells it. White space
// around a word does not belong to it; inside, it is a letter like any other.

import { UsageError } from '../../src/cli/errors.ts';

export interface Pair {
  readonly source: string;
  readonly target: string;
}

/** A number in [0, 1). */
export type Random = () => number;

export const DEFAULT_PAIRS: readonly Pair[] = [
  { source: 'man', target: 'women' },
  { source: 'black', target: 'white' },
  { source: 'king', target: 'queen' },
  { source: 'girl', target: 'boy' },
  { source: 'up', target: 'down' },
  { source: 'high', target: 'low' },
];
export const DEFAULT_LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Translated with the default pairs though no training source ever reads like this. */
export const DEFAULT_UNSEEN: readonly string[] = ['highh', 'kingh'];

/** The alphabet is written SEPabc..., but these three are symbols: an S, E or P of the data has an index of its own. */
export const START = 0;
export const END = 1;
export const PAD = 2;
const SYMBOLS = 3;

export class Vocabulary {
  readonly letters: readonly string[];
  /** Letters and the three symbols. */
  readonly size: number;
  readonly #indices: ReadonlyMap<string, number>;

  constructor(letters: Iterable<string>) {
    this.letters = [...new Set(letters)];
    this.size = SYMBOLS + this.letters.length;
    this.#indices = new Map(this.letters.map((letter, i) => [letter, SYMBOLS + i]));
  }

  /** Of all letters of the pairs, sources and targets, in the order of their code points. */
  static of(pairs: readonly Pair[]): Vocabulary {
    return new Vocabulary(lettersOf(pairs.flatMap(({ source, target }) => [source, target])));
  }

  indexOf(letter: string): number | undefined {
    return this.#indices.get(letter);
  }

  /** The letter of an index, nothing for the three symbols. */
  letterAt(index: number): string | undefined {
    return this.letters[index - SYMBOLS];
  }
}

/** The distinct letters of the words, sorted. */
export function lettersOf(words: Iterable<string>): string[] {
  const letters = new Set<string>();
  for (const word of words) for (const letter of word) letters.add(letter);
  return [...letters].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
}

export function normalize(word: string): string {
  return word.trim().normalize('NFC');
}

export function longest(words: Iterable<string>): number {
  let length = 0;
  for (const word of words) length = Math.max(length, [...word].length);
  return length;
}

/** The pairs of a TSV file, `source<TAB>target` a line; `file` is its name for the errors. */
export function parsePairs(bytes: Uint8Array, file: string): Pair[] {
  const pairs: Pair[] = [];
  let line = 0;
  for (const text of linesOf(bytes, file)) {
    line++;
    if (text.trim() === '' && !text.includes('\t')) continue;
    pairs.push(parseLine(text, `${file}:${line}`));
  }
  if (pairs.length === 0)
    throw new UsageError(`${file}: the file has no pairs, it needs a line with source<TAB>target`);
  return pairs;
}

function* linesOf(bytes: Uint8Array, file: string): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    let text: string;
    try {
      text = decoder.decode(bytes.subarray(start, end));
    } catch {
      throw new UsageError(`${file}:${line}: the line is not valid UTF-8`);
    }
    if (line === 1 && text.startsWith('\ufeff')) text = text.slice(1);
    yield text.endsWith('\r') ? text.slice(0, -1) : text;
    start = end + 1;
  }
}

function parseLine(text: string, place: string): Pair {
  const fields = text.split('\t');
  if (fields.length === 1) throw new UsageError(`${place}: no tab between source and target in ${quote(text)}`);
  if (fields.length > 2) throw new UsageError(`${place}: ${fields.length - 1} tabs instead of one in ${quote(text)}`);
  const [source, target] = fields.map(normalize) as [string, string];
  for (const [what, word] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (word === '') throw new UsageError(`${place}: the ${what} is empty`);
    const control = /\p{Cc}/u.exec(word);
    if (control) throw new UsageError(`${place}: the ${what} has the control character ${codePoint(control[0])}`);
  }
  return { source, target };
}

/** Sources that the pairs give more than one target: no model can learn both. */
export function ambiguousSources(pairs: readonly Pair[]): string[] {
  const targets = targetsBySource(pairs);
  return [...targets.keys()].filter((source) => (targets.get(source)?.size ?? 0) > 1);
}

function targetsBySource(pairs: readonly Pair[]): Map<string, Set<string>> {
  const targets = new Map<string, Set<string>>();
  for (const { source, target } of pairs) targets.set(source, (targets.get(source) ?? new Set()).add(target));
  return targets;
}

export interface Encoded {
  /** Row-major [words, length], filled up with PAD. */
  ids: Int32Array;
  /** What of each row is not padding. */
  lengths: Int32Array;
  length: number;
}

export interface EncodeOptions {
  /** The length of the rows; as long as the longest one needs if not given. */
  length?: number | undefined;
  /** Whether a row begins with START (the decoder's input). */
  start?: boolean | undefined;
  /** Whether it ends with END (the decoder's target). */
  end?: boolean | undefined;
}

export function encode(words: readonly string[], vocabulary: Vocabulary, options: EncodeOptions = {}): Encoded {
  const rows = words.map((word) => {
    const letters = Array.from(word, (letter) => vocabulary.indexOf(letter) ?? unknownLetter(letter, word, vocabulary));
    return [...(options.start ? [START] : []), ...letters, ...(options.end ? [END] : [])];
  });
  const lengths = Int32Array.from(rows, (row) => row.length);
  const needed = lengths.reduce((a, b) => Math.max(a, b), 0);
  const length = options.length ?? needed;
  if (length < needed) {
    const word = words[lengths.indexOf(needed)] ?? '';
    throw new UsageError(`${quote(word)} takes ${needed} places, symbols included, and the model has ${length}`);
  }
  const ids = new Int32Array(rows.length * length).fill(PAD);
  rows.forEach((row, i) => ids.set(row, i * length));
  return { ids, lengths, length };
}

/** The letters up to the first symbol, so without END and all that follows. */
export function decode(ids: ArrayLike<number>, vocabulary: Vocabulary): string[] {
  const letters: string[] = [];
  for (let i = 0; i < ids.length; i++) {
    const letter = vocabulary.letterAt(ids[i] ?? PAD);
    if (letter === undefined) break;
    letters.push(letter);
  }
  return letters;
}

function unknownLetter(letter: string, word: string, { letters }: Vocabulary): never {
  const alphabet = `the ${letters.length} of the alphabet, ${quote(letters.join(''))}`;
  throw new UsageError(`${quote(word)} has the letter ${quote(letter)}, which is not among ${alphabet}`);
}

export interface PerturbOptions {
  /** What may be inserted: as a rule the letters of the sources. */
  letters: readonly string[];
  /** Never produced. */
  heldOut: Iterable<string>;
}

/** How often a letter is put at the end of a word, beside the other places: what comes last weighs most in a network that reads on. */
const AT_END = 0.5;

/**
 * A function that inserts one random letter at a random place of a pair's source, half the time at its end. Neither a held-out word comes out
 * nor a training source that has another target; a source that allows nothing else stays as it is.
 */
export function perturbation(pairs: readonly Pair[], options: PerturbOptions): (pair: Pair, random: Random) => string {
  const { letters } = options;
  const heldOut = new Set(Array.from(options.heldOut, normalize));
  const targets = targetsBySource(pairs);
  const allowed = (candidate: string, target: string) => {
    const word = normalize(candidate); // an inserted accent may complete another letter
    return !heldOut.has(word) && [...(targets.get(word) ?? [])].every((other) => other === target);
  };
  return ({ source, target }, random) => {
    if (letters.length === 0) return source;
    const word = [...source];
    for (let attempt = 0; attempt < 100; attempt++) {
      const place = random() < AT_END ? word.length : Math.floor(random() * (word.length + 1));
      const letter = letters[Math.floor(random() * letters.length)] ?? '';
      const candidate = word.toSpliced(place, 0, letter).join('');
      if (allowed(candidate, target)) return candidate;
    }
    return source;
  };
}

/** Mulberry32: the same numbers for the same seed everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function quote(text: string): string {
  const shown = [...text].length > 60 ? `${[...text].slice(0, 60).join('')}...` : text;
  return JSON.stringify(shown);
}

function codePoint(letter: string): string {
  return `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
