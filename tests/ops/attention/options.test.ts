import { describe, expect, test } from 'vitest';
import {
  type ScaledDotProductAttentionOptions,
  type ScaledDotProductAttentionResult,
  scaledDotProductAttention,
} from '../../../src/ops/attention/scaled_dot_product.ts';
import { greater } from '../../../src/ops/compare.ts';
import { where } from '../../../src/ops/where.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../../src/testing/check.ts';
import { testRandom } from '../../../src/testing/random.ts';
import { attention, pairwise, type ReferenceOptions } from '../../helpers/attention.ts';
import { gpu } from '../../helpers/gpu.ts';
import { build, nd } from '../../helpers/nd.ts';

type Sizes = readonly [B: number, H: number, Hkv: number, L: number, S: number, D: number, Dv: number];
type Options = Omit<
  ScaledDotProductAttentionOptions,
  'mask' | 'queryLengths' | 'keyLengths' | 'alibi' | 'sinks' | 'scoreMod' | 'maskMod' | 'extras'
>;

/** A case: options as they are, and arrays by their shapes or elements. */
interface Case extends Options {
  readonly sizes: Sizes;
  readonly mask?: readonly ['bool' | 'float', ...number[]] | undefined;
  readonly queryLengths?: readonly number[] | undefined;
  readonly keyLengths?: readonly number[] | undefined;
  readonly alibi?: boolean;
  readonly sinks?: boolean;
}

/** Holds a case to the definition: output, lse and weights where asked for, and the gradients of all that has one. */
async function checkCase(c: Case): Promise<void> {
  const { sizes, mask, queryLengths, keyLengths, alibi, sinks, ...options } = c;
  const [B, H, Hkv, L, S, D, Dv] = sizes;
  const random = testRandom(3);
  const shape = (h: number, rows: number, d: number) => (c.layout === 'blhd' ? [B, rows, h, d] : [B, h, rows, d]);
  const slopes = nd(
    [H],
    Array.from({ length: H }, (_, h) => 2 ** -(h + 1)),
  );
  const inputs: (Input & { name: string })[] = [
    { name: 'q', shape: shape(H, L, D) },
    { name: 'k', shape: shape(Hkv, S, D) },
    { name: 'v', shape: shape(Hkv, S, Dv) },
  ];
  const maskSize = mask?.slice(1) as number[] | undefined;
  const seen = maskSize && build(maskSize, () => (random() < 0.6 ? 1 : 0));
  if (mask?.[0] === 'float' && maskSize) inputs.push({ name: 'mask', shape: maskSize });
  if (mask?.[0] === 'bool' && seen) inputs.push({ name: 'mask', shape: seen.shape, dtype: 'bool', data: seen.data });
  if (queryLengths) inputs.push({ name: 'queryLengths', shape: [B], dtype: 'u32', data: queryLengths });
  if (keyLengths) inputs.push({ name: 'keyLengths', shape: [B], dtype: 'u32', data: keyLengths });
  if (alibi) inputs.push({ name: 'alibi', shape: [H], data: slopes.data, grad: false });
  if (sinks) inputs.push({ name: 'sinks', shape: [H] });
  const named = <T>(all: readonly T[]) => Object.fromEntries(inputs.slice(3).map(({ name }, i) => [name, all[i + 3]]));
  const op = (...all: Tensor[]) => {
    const [q, k, v] = all as [Tensor, Tensor, Tensor];
    const result = scaledDotProductAttention(q, k, v, { ...options, ...named(all) });
    if (!('output' in result)) return [result];
    const { output, lse, weights } = result as Partial<ScaledDotProductAttentionResult>;
    // Differences of a loss that holds -3.4e38 would be lost; tests/ops/attention/edges.test.ts holds that value.
    return [output, lse && where(greater(lse, -3e38), lse, 0), weights].filter((t) => t !== undefined);
  };
  const reference = (...all: Nd[]) => {
    const [q, k, v] = all as [Nd, Nd, Nd];
    const lists = { ...(queryLengths && { queryLengths }), ...(keyLengths && { keyLengths }) };
    const r = attention(q, k, v, {
      ...options,
      ...(named(all) as Pick<ReferenceOptions, 'mask' | 'alibi' | 'sinks'>),
      ...lists,
      isBool: mask?.[0] === 'bool',
    } as ReferenceOptions);
    return [
      r.output,
      ...(c.returnLse ? [{ ...r.lse, data: r.lse.data.map((x) => (x > -3e38 ? x : 0)) }] : []),
      ...(c.returnWeights ? [r.weights] : []),
    ];
  };
  await checkOp(gpu, op, reference, inputs);
}

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
      { variant: 'tiled', splits: 2 },
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
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as Options;
    return checkCase({
      ...given,
      sizes,
      ...(mask && { mask: shapes[mask] }),
      ...(lengths && { keyLengths: [S - 3, S] }),
      ...(lengths === 'both' && { queryLengths: [L, L - 1] }),
    });
  });
});
