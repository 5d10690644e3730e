import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ambiguousSources,
  DEFAULT_LETTERS,
  DEFAULT_PAIRS,
  DEFAULT_UNSEEN,
  decode,
  END,
  encode,
  lettersOf,
  longest,
  PAD,
  parsePairs,
  perturbation,
  START,
  seededRandom,
  Vocabulary,
} from '../../examples/translate/data.ts';
import { readPairs } from '../../examples/translate/files.ts';
import { UsageError } from '../../src/cli/errors.ts';

const parse = (text: string) => parsePairs(new TextEncoder().encode(text), 'p.tsv');

describe('parsePairs', () => {
  it('reads any alphabet, with or without a byte order mark, CRLF and a last newline', () => {
    const pairs = [
      { source: 'große Straße', target: 'улица' },
      { source: '猫', target: '🐈' },
    ];
    expect(parse('große Straße\tулица\n猫\t🐈')).toEqual(pairs);
    expect(parse('\ufeffgroße Straße\tулица\r\n\r\n  \n猫\t🐈\r\n\n')).toEqual(pairs);
  });

  it('takes white space around words away and composes accents', () => {
    expect(parse(' cafe\u0301 \t\u00a0thé')).toEqual([{ source: 'caf\u00e9', target: 'thé' }]);
  });

  it('keeps order and repetitions', () => {
    const pairs = parse('a\tb\na\tc\na\tb');
    expect(pairs.map(({ target }) => target)).toEqual(['b', 'c', 'b']);
    expect(ambiguousSources(pairs)).toEqual(['a']);
    expect(ambiguousSources(DEFAULT_PAIRS)).toEqual([]);
  });

  const cases: [what: string, text: string | number[], message: string][] = [
    ['an empty file', '', 'p.tsv: the file has no pairs, it needs a line with source<TAB>target'],
    ['only a byte order mark', '\ufeff', 'p.tsv: the file has no pairs, it needs a line with source<TAB>target'],
    ['only blank lines', '\n \r\n', 'p.tsv: the file has no pairs, it needs a line with source<TAB>target'],
    ['a line without a tab', 'a\tb\n\nc d\n', 'p.tsv:3: no tab between source and target in "c d"'],
    ['two tabs', 'a\tb\tc', 'p.tsv:1: 2 tabs instead of one in "a\\tb\\tc"'],
    ['a tab at the end', 'a\tb\t', 'p.tsv:1: 2 tabs instead of one in "a\\tb\\t"'],
    ['no source', 'a\tb\r\n\tb\r\n', 'p.tsv:2: the source is empty'],
    ['no target', 'a\t \n', 'p.tsv:1: the target is empty'],
    ['only a tab', '\t', 'p.tsv:1: the source is empty'],
    ['a control character', 'a\tb\na\0\tb', 'p.tsv:2: the source has the control character U+0000'],
    ['a carriage return inside', 'a\tb\rc', 'p.tsv:1: the target has the control character U+000D'],
    ['Latin-1', [0x61, 9, 0x62, 10, 0xe9, 9, 0x62], 'p.tsv:2: the line is not valid UTF-8'],
    ['UTF-16', [0xff, 0xfe, 0x61, 0, 9, 0, 0x62, 0], 'p.tsv:1: the line is not valid UTF-8'],
  ];
  for (const [what, text, message] of cases) {
    it(`rejects ${what}`, () => {
      const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text);
      expect(() => parsePairs(bytes, 'p.tsv')).toThrow(new UsageError(message));
    });
  }

  it('gives pairs or a UsageError for any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const nearly = fc.array(fc.constantFrom(9, 10, 13, 32, 97, 98, 0xc3, 0xa9, 0xef, 0xbb, 0xbf), { maxLength: 30 });
    fc.assert(
      fc.property(fc.oneof(bytes, nearly.map(Uint8Array.from.bind(Uint8Array))), (data) => {
        try {
          for (const { source, target } of parsePairs(data, 'p.tsv')) expect(source && target).not.toBe('');
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('readPairs', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fovea-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('reads a file', async () => {
    await writeFile(join(dir, 'p.tsv'), 'a\tb\n');
    expect(await readPairs(join(dir, 'p.tsv'))).toEqual([{ source: 'a', target: 'b' }]);
  });

  it('names the file that is not there, and the directory', async () => {
    const path = join(dir, 'none.tsv');
    await expect(readPairs(path)).rejects.toThrow(new UsageError(`${path}: no such file`));
    await expect(readPairs(dir)).rejects.toThrow(new UsageError(`${dir}: it is a directory, not a file`));
  });
});

describe('Vocabulary', () => {
  it('of the default pairs is SEP and the 26 letters', () => {
    const vocabulary = new Vocabulary(DEFAULT_LETTERS);
    expect([START, END, PAD, vocabulary.indexOf('a'), vocabulary.indexOf('z')]).toEqual([0, 1, 2, 3, 28]);
    expect(vocabulary.size).toBe(29);
    for (const { source, target } of DEFAULT_PAIRS) {
      for (const letter of source + target) expect(vocabulary.indexOf(letter)).toBeDefined();
    }
  });

  it('gives the letters S, E and P of the data indices of their own', () => {
    const vocabulary = Vocabulary.of([{ source: 'SPEC', target: 'PES' }]);
    expect(vocabulary.letters).toEqual(['C', 'E', 'P', 'S']);
    expect(vocabulary.size).toBe(7);
    const { ids } = encode(['SEP'], vocabulary, { start: true, end: true });
    expect([...ids]).toEqual([START, 6, 4, 5, END]);
    expect(decode(ids.subarray(1), vocabulary)).toEqual(['S', 'E', 'P']);
  });

  it('comes back from its letters as one text, in the same order', () => {
    const { letters } = Vocabulary.of([{ source: '🐈é', target: '\ue000e\u0301' }]);
    expect(letters).toEqual(['e', 'é', '\u0301', '\ue000', '🐈']);
    expect(new Vocabulary(letters.join('')).letters).toEqual(letters);
  });
});

describe('encode', () => {
  const vocabulary = new Vocabulary('abc');

  it('pads on the right and gives the lengths', () => {
    const { ids, lengths, length } = encode(['ab', '', 'c'], vocabulary);
    expect([...ids]).toEqual([3, 4, PAD, PAD, 5, PAD]);
    expect([...lengths]).toEqual([2, 0, 1]);
    expect(length).toBe(2);
    expect(encode(['ab'], vocabulary, { length: 4 }).ids).toEqual(Int32Array.of(3, 4, PAD, PAD));
    expect([...encode(['a', 'bc'], vocabulary, { start: true }).ids]).toEqual([START, 3, PAD, START, 4, 5]);
    expect([...encode(['a', 'bc'], vocabulary, { end: true }).lengths]).toEqual([2, 3]);
    expect(encode([], vocabulary)).toEqual({ ids: new Int32Array(0), lengths: new Int32Array(0), length: 0 });
  });

  it('names the unknown letter, its word and the alphabet', () => {
    expect(() => encode(['ab', 'cäb'], vocabulary)).toThrow(
      new UsageError('"cäb" has the letter "ä", which is not among the 3 of the alphabet, "abc"'),
    );
    const large = new Vocabulary(Array.from({ length: 2000 }, (_, i) => String.fromCodePoint(0x4e00 + i)));
    expect(() => encode(['a'], large)).toThrow(/among the 2000 of the alphabet, "一[^"]{59}\.\.\."$/);
  });

  it('names a word that is too long', () => {
    const call = () => encode(['a', 'abca'], vocabulary, { length: 4, end: true });
    expect(call).toThrow(new UsageError('"abca" takes 5 places, symbols included, and the model has 4'));
  });

  it('is undone by decode, whatever follows the end', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '猫', '🐈'), maxLength: 12 });
    const letters = new Vocabulary('abé猫🐈');
    fc.assert(
      fc.property(fc.array(word), fc.nat(3), (words, more) => {
        const { length } = encode(words, letters, { end: true });
        const { ids } = encode(words, letters, { end: true, length: length + more });
        const rows = words.map((_, i) => ids.subarray(i * (length + more), (i + 1) * (length + more)));
        expect(rows.map((row) => decode(row, letters).join(''))).toEqual(words);
      }),
    );
    expect(decode([3, 4, END, 5], letters)).toEqual(['a', 'b']);
    expect(decode([3, 4], letters)).toEqual(['a', 'b']);
    expect(decode([99], letters)).toEqual([]);
    expect(longest(['🐈🐈', 'a'])).toBe(2);
  });
});

describe('perturbation', () => {
  const letters = [...DEFAULT_LETTERS];

  it('inserts one letter, any letter at any place, and never makes a held-out word', () => {
    const perturb = perturbation(DEFAULT_PAIRS, { letters, heldOut: DEFAULT_UNSEEN });
    const random = seededRandom(1);
    const high = { source: 'high', target: 'low' };
    const seen = new Set(Array.from({ length: 20_000 }, () => perturb(high, random)));
    const all = new Set(
      [0, 1, 2, 3, 4].flatMap((i) => letters.map((c) => ['h', 'i', 'g', 'h'].toSpliced(i, 0, c).join(''))),
    );
    all.delete('highh');
    expect(seen).toEqual(all);
  });

  it('never makes a source with another target, but may make one with the same', () => {
    const pairs = parse('ab\tx\naab\ty\naba\tx');
    const perturb = perturbation(pairs, { letters: ['a', 'b'], heldOut: ['abb'] });
    const random = seededRandom(2);
    const seen = new Set(Array.from({ length: 1000 }, () => perturb({ source: 'ab', target: 'x' }, random)));
    expect(seen).toEqual(new Set(['aba', 'bab']));
  });

  it('leaves a source alone that allows nothing else', () => {
    const perturb = perturbation(parse('a\tx'), { letters: ['a'], heldOut: ['aa'] });
    expect(perturb({ source: 'a', target: 'x' }, seededRandom(3))).toBe('a');
    expect(perturbation([], { letters: [], heldOut: [] })({ source: 'a', target: 'x' }, seededRandom(3))).toBe('a');
  });

  it('sees through an accent that completes a held-out letter', () => {
    const perturb = perturbation([], { letters: ['\u0301'], heldOut: ['caf\u00e9'] });
    const seen = Array.from({ length: 200 }, (_, i) => perturb({ source: 'cafe', target: 'x' }, seededRandom(i)));
    expect(new Set(seen).size).toBe(4);
    expect(seen).not.toContain('cafe\u0301');
  });

  it('puts half of the letters at the end, and some of the others', () => {
    const perturb = perturbation(DEFAULT_PAIRS, { letters: ['x'], heldOut: [] });
    const random = seededRandom(4);
    const words = Array.from({ length: 4000 }, () => perturb({ source: 'high', target: 'low' }, random));
    const share = words.filter((word) => word === 'highx').length / 4000;
    expect(share).toBeGreaterThan(0.58);
    expect(share).toBeLessThan(0.62);
  });

  it('is the same for the same seed', () => {
    const run = (seed: number) => {
      const perturb = perturbation(DEFAULT_PAIRS, { letters, heldOut: DEFAULT_UNSEEN });
      const random = seededRandom(seed);
      return Array.from({ length: 50 }, (_, i) => perturb(DEFAULT_PAIRS[i % 6] ?? { source: '', target: '' }, random));
    };
    expect(run(5)).toEqual(run(5));
    expect(run(5)).not.toEqual(run(6));
    expect(lettersOf(run(5)).every((letter) => DEFAULT_LETTERS.includes(letter))).toBe(true);
  });
});

describe('seededRandom', () => {
  it('is uniform in [0, 1), and fixed', () => {
    const random = seededRandom(42);
    const counts = new Array(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[Math.floor(random() * 10)]++;
    expect(counts.reduce((a, b) => a + b)).toBe(10_000);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(seededRandom(0)()).toBe(0.26642920868471265);
  });
});
