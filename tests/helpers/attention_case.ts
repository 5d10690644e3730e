import {
  type ScaledDotProductAttentionOptions,
  type ScaledDotProductAttentionResult,
  scaledDotProductAttention,
} from '../../src/ops/attention/scaled_dot_product.ts';
import { greater } from '../../src/ops/compare.ts';
import { where } from '../../src/ops/where.ts';
import type { Tensor } from '../../src/tensor.ts';
import { checkOp, type Input, type Nd } from '../../src/testing/check.ts';
import { testRandom } from '../../src/testing/random.ts';
import { attention, type ReferenceOptions } from './attention.ts';
import { gpu } from './gpu.ts';
import { build, nd } from './nd.ts';

export type Sizes = readonly [B: number, H: number, Hkv: number, L: number, S: number, D: number, Dv: number];
export type CaseOptions = Omit<
  ScaledDotProductAttentionOptions,
  'mask' | 'queryLengths' | 'keyLengths' | 'alibi' | 'sinks' | 'scoreMod' | 'maskMod' | 'extras'
>;

/** A case: options as they are, and arrays by their shapes or elements. */
export interface Case extends CaseOptions {
  readonly sizes: Sizes;
  readonly mask?: readonly ['bool' | 'float', ...number[]] | undefined;
  readonly queryLengths?: readonly number[] | undefined;
  readonly keyLengths?: readonly number[] | undefined;
  readonly alibi?: boolean | undefined;
  readonly sinks?: boolean | undefined;
  /** Of the inputs. */
  readonly seed?: number;
}

/** Holds a case to the definition: output, lse and weights where asked for, and the gradients of all that has one. */
export async function checkCase(c: Case): Promise<void> {
  const { sizes, mask, queryLengths, keyLengths, alibi, sinks, seed = 1, ...options } = c;
  const [B, H, Hkv, L, S, D, Dv] = sizes;
  const random = testRandom(seed + 2);
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
  await checkOp(gpu, op, reference, inputs, { seed });
}
