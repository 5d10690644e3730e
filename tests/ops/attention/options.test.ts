import { describe, expect, test } from 'vitest';
import { pairwise } from '../../helpers/attention.ts';
import { type Case, type CaseOptions, checkCase, type Sizes } from '../../helpers/attention_case.ts';

const SMALL: Sizes = [2, 2, 1, 5, 9, 4, 4];

describe('each option alone', () => {
  const cases: Readonly<Record<string, Omit<Case, 'sizes'>>> = {
    'bool mask': { mask: ['bool', 2, 2, 5, 9] },
    'float mask': { mask: ['float', 2, 2, 5, 9] },
    'float mask broadcast along heads and queries': { mask: ['float', 2, 1, 1, 9] },
    'float mask broadcast along keys and the batch': { mask: ['float', 2, 5, 1] },
    causal: { isCausal: true },
    'causal, lower right': { isCausal: true, alignment: 'lower-right' },
    window: { window: [2, 1] },
    'window without a left end': { window: [-1, 0], alignment: 'lower-right' },
    lengths: { queryLengths: [3, 5], keyLengths: [9, 4] },
    'no queries, no keys': { queryLengths: [0, 5], keyLengths: [9, 0] },
    scale: { scale: -0.7 },
    softcap: { softcap: 0.4 },
    alibi: { alibi: true },
    'alibi, lower right': { alibi: true, alignment: 'lower-right' },
    sinks: { sinks: true },
    dropout: { dropout: { p: 0.4, seed: 5 } },
    'dropout from the middle of a stream': { dropout: { p: 0.4, seed: 5, offset: 6 } },
    lse: { returnLse: true },
    weights: { returnWeights: true },
    blhd: { layout: 'blhd' },
  };
  test.each(Object.entries(cases))('%s', (_, c) =>
    checkCase({ sizes: SMALL, plan: { variant: 'registers', rows: 4 }, ...c }),
  );
});

describe('options in pairs', () => {
  const factors = {
    sizes: [SMALL, [2, 2, 1, 17, 6, 7, 6], [2, 1, 1, 9, 19, 3, 4], [2, 4, 1, 1, 20, 4, 4]] as Sizes[],
    layout: ['bhld', 'blhd'] as const,
    mask: [undefined, 'bool full', 'bool keys', 'float full', 'float heads', 'float keys'] as const,
    isCausal: [false, true],
    window: [undefined, [3, 2], [-1, 4]] as const,
    alignment: ['upper-left', 'lower-right'] as const,
    lengths: [undefined, 'keys', 'both'] as const,
    scale: [undefined, 0.3],
    softcap: [undefined, 0.8],
    alibi: [false, true],
    sinks: [false, true],
    dropout: [undefined, { p: 0.3, seed: 9 }, { p: 0.5, seed: 2 ** 40, offset: 3 }],
    returnLse: [false, true],
    returnWeights: [false, true],
    plan: [
      { variant: 'registers', rows: 4 },
      { variant: 'registers', rows: 4, splits: 3 },
      { variant: 'tiled', splits: 1 },
      { variant: 'tiled', splits: 2, rowSplits: 2 },
    ] as const,
  };
  const rows = pairwise(factors);

  test('every pair occurs', () => {
    const names = Object.keys(factors) as (keyof typeof factors)[];
    for (const a of names)
      for (const b of names)
        if (a !== b)
          for (const x of factors[a])
            for (const y of factors[b]) expect(rows.some((row) => row[a] === x && row[b] === y)).toBe(true);
  });

  test.each(rows.map((row) => [JSON.stringify(row), row] as const))('%s', (_, row) => {
    const { sizes, mask, lengths, ...rest } = row;
    const [B, H, , L, S] = sizes;
    const shapes = {
      'bool full': ['bool', B, H, L, S],
      'bool keys': ['bool', B, 1, 1, S],
      'float full': ['float', B, H, L, S],
      'float heads': ['float', H, L, S],
      'float keys': ['float', 1, S],
    } as const;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as CaseOptions;
    return checkCase({
      ...given,
      sizes,
      ...(mask && { mask: shapes[mask] }),
      ...(lengths && { keyLengths: [S - 3, S] }),
      ...(lengths === 'both' && { queryLengths: [L, L - 1] }),
    });
  });
});
