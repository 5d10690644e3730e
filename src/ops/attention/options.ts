import { describe, type Shape } from '../../host.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../runtime/errors.ts';
import type { Tensor } from '../../tensor.ts';
import { checkDType, checkFloat, checkSameDType, checkShape } from '../check.ts';
import { locate } from '../random.ts';
import { BlockMask, checkBlockMask, checkMods } from './mods.ts';
import type { Plan } from './plan.ts';

/** Which key is opposite query 0 where there are more keys than queries or fewer: PyTorch's, or that of a cache of keys. */
export type Alignment = 'upper-left' | 'lower-right';

export interface ScaledDotProductAttentionOptions {
  /** Whether heads come before rows (default) or after them: [B, L, H, D]. */
  readonly layout?: 'bhld' | 'blhd';
  /** Broadcastable to [B, H, L, S] (3-D inputs: [B, L, S]); bool (true = attend) or of the dtype of q (added to the scores). */
  readonly mask?: Tensor;
  /** Query i sees key j only where j <= i + offset. */
  readonly isCausal?: boolean;
  /** Query i sees keys i + offset - left to i + offset + right only; -1 is no bound. */
  readonly window?: readonly [left: number, right: number];
  /** Default 'upper-left': offset = 0; 'lower-right': offset = keys - queries of that entry of the batch. */
  readonly alignment?: Alignment;
  /** u32[B]: how many of the queries there are; the rows after them are zeros. */
  readonly queryLengths?: Tensor;
  /** u32[B]: how many of the keys there are. */
  readonly keyLengths?: Tensor;
  /** Default 1 / sqrt(D). */
  readonly scale?: number;
  /** Scores s become softcap * tanh(s / softcap). */
  readonly softcap?: number;
  /** [H] slopes: slope |i + offset - j| is subtracted from the scores. No gradient. */
  readonly alibi?: Tensor;
  /** [H]: for each head one more score, without a value. */
  readonly sinks?: Tensor;
  /** Drops weights with probability p: those that `dropout(weights, { p, seed, offset })` would drop. */
  readonly dropout?: { readonly p: number; readonly seed: number; readonly offset?: number };
  /**
   * WGSL that changes the scores, after the float mask: `fn score_mod(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32`, and its derivative by the
   * score, `fn score_mod_grad` of the same arguments. Each text is compiled once. A score of -inf hides the key.
   */
  readonly scoreMod?: string;
  /** WGSL that says who sees whom, `fn mask_mod(b: u32, h: u32, q: u32, k: u32) -> bool`, or what `createBlockMask` made of it, which passes by hidden blocks. */
  readonly maskMod?: string | BlockMask;
  /**
   * Up to two arrays of f32, f16, i32 or u32 that scoreMod and maskMod read, flat, as `extra0(i: u32)` and `extra1(i: u32)` (f16 as f32; past the end:
   * the last element). No gradient.
   */
  readonly extras?: readonly Tensor[];
  readonly returnLse?: boolean;
  readonly returnWeights?: boolean;
  /** @internal In place of the planner's choices. */
  readonly plan?: Partial<Plan>;
  /** @internal Multiply-adds after which a dispatch ends, in place of what the device bears. */
  readonly longest?: number;
}

export interface Sizes {
  readonly B: number;
  readonly H: number;
  readonly Hkv: number;
  readonly L: number;
  readonly S: number;
  readonly D: number;
  readonly Dv: number;
}

/** The widest head. */
const MAX_D = 256;

type Four = readonly [number, number, number, number];

/** [B, H, rows, D], whatever the layout. */
function fourOf(t: Tensor, layout: string): Four {
  const [a, b, c, d] = t.shape as Four;
  if (t.rank === 3) return [a, 1, b, c];
  return layout === 'blhd' ? [a, c, b, d] : [a, b, c, d];
}

/** Throws for inputs and options that do not fit, else gives the sizes. */
export function check(op: string, q: Tensor, k: Tensor, v: Tensor, options: ScaledDotProductAttentionOptions): Sizes {
  checkFloat(op, 'q', q);
  checkSameDType(op, { q, k, v });
  const { layout = 'bhld' } = options;
  const { rank } = q;
  const all = `q ${describe(q)}, k ${describe(k)}, v ${describe(v)}`;
  if (layout !== 'bhld' && layout !== 'blhd')
    throw new ArgumentError(op, `layout must be 'bhld' or 'blhd', got '${layout}'`);
  if ((rank !== 3 && rank !== 4) || k.rank !== rank || v.rank !== rank)
    throw new ShapeError(
      op,
      `q, k and v must all be [${layout === 'bhld' ? 'B, H, L' : 'B, L, H'}, D] or all [B, L, D], got ${all}`,
    );
  const [B, H, L, D] = fourOf(q, layout);
  const [Bk, Hkv, S, Dk] = fourOf(k, layout);
  const [Bv, Hv, Sv, Dv] = fourOf(v, layout);
  if (B !== Bk || B !== Bv) throw new ShapeError(op, `q, k and v must have the same batch size, got ${all}`);
  if (D !== Dk) throw new ShapeError(op, `q and k must have the same head dimension, got ${all}`);
  if (Hkv !== Hv || S !== Sv) throw new ShapeError(op, `k and v must have the same heads and length, got ${all}`);
  if (Hkv === 0 || H % Hkv !== 0)
    throw new ShapeError(op, `the heads of q must be a multiple of those of k and v, got ${all}`);
  if (D < 1 || D > MAX_D || Dv < 1 || Dv > MAX_D)
    throw new ShapeError(op, `head dimensions must be in [1, ${MAX_D}], got ${all}`);
  const sizes = { B, H, Hkv, L, S, D, Dv };
  checkTensors(op, q, sizes, options);
  checkNumbers(op, sizes, options);
  checkMods(op, options);
  if (options.maskMod instanceof BlockMask) checkBlockMask(op, options.maskMod, [B, H, L, S]);
  return sizes;
}

function checkTensors(
  op: string,
  q: Tensor,
  { B, H, L, S }: Sizes,
  { mask, queryLengths, keyLengths, alibi, sinks }: ScaledDotProductAttentionOptions,
): void {
  if (mask) {
    const scores = q.rank === 3 && mask.rank < 4 ? [B, L, S] : [B, H, L, S];
    const lead = scores.length - mask.rank;
    if (lead < 0 || mask.shape.some((n, i) => n !== 1 && n !== scores[i + lead]))
      throw new ShapeError(
        op,
        `mask must be broadcastable to the scores [${scores.join(', ')}], got ${describe(mask)} (q: ${describe(q)})`,
      );
    if (mask.dtype !== 'bool' && mask.dtype !== q.dtype)
      throw new DTypeError(op, `mask must be bool or ${q.dtype}, got ${describe(mask)}`);
  }
  for (const [name, lengths] of Object.entries({ queryLengths, keyLengths })) {
    if (!lengths) continue;
    checkDType(op, name, lengths, 'u32');
    checkShape(op, name, lengths, [B]);
  }
  for (const [name, perHead] of Object.entries({ alibi, sinks })) {
    if (!perHead) continue;
    checkFloat(op, name, perHead);
    checkShape(op, name, perHead, [H]);
  }
}

function checkNumbers(
  op: string,
  { B, H, L, S }: Sizes,
  { scale, softcap, alignment, window, dropout }: ScaledDotProductAttentionOptions,
): void {
  if (scale !== undefined && !Number.isFinite(scale)) throw new ArgumentError(op, `scale must be finite, got ${scale}`);
  if (softcap !== undefined && !(softcap > 0 && Number.isFinite(softcap)))
    throw new ArgumentError(op, `softcap must be positive and finite, got ${softcap}`);
  if (alignment !== undefined && alignment !== 'upper-left' && alignment !== 'lower-right')
    throw new ArgumentError(op, `alignment must be 'upper-left' or 'lower-right', got '${alignment}'`);
  if (window && (window.length !== 2 || window.some((n) => !Number.isInteger(n) || n < -1)))
    throw new ArgumentError(op, `window must be [left, right], whole numbers >= -1, got [${window.join(', ')}]`);
  if (!dropout) return;
  if (!(dropout.p >= 0 && dropout.p < 1)) throw new ArgumentError(op, `dropout.p must be in [0, 1), got ${dropout.p}`);
  locate(op, dropout, B * H * L * S);
}

/** The mask's shape as one of [B, H, L, S]. */
export function maskShape(mask: Tensor, inputRank: number): Shape {
  const shape = inputRank === 3 && mask.rank === 3 ? [mask.shape[0] as number, 1, ...mask.shape.slice(1)] : mask.shape;
  return [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
}
