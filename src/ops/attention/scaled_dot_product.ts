import { describe } from '../../host.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { mul } from '../binary.ts';
import { checkFloat, checkSameDType } from '../check.ts';
import { lessEqual } from '../compare.ts';
import { arange } from '../create.ts';
import { matmul } from '../matmul.ts';
import { reshape } from '../shape.ts';
import { softmax } from '../softmax.ts';
import type { AttentionResult } from './additive.ts';
import { maskScores } from './mask.ts';

/** Which corner causality starts from where there are more keys than queries or fewer: PyTorch's, or that of a cache of keys. */
export type Alignment = 'upper-left' | 'lower-right';

export interface ScaledDotProductAttentionOptions {
  /** Broadcastable to [B, H, L, S]; bool (true = attend) or float (added to the scores). */
  readonly mask?: Tensor;
  /** Query i sees key j only where j <= i + offset, offset = 0 for 'upper-left' and S - L for 'lower-right'. */
  readonly isCausal?: boolean;
  /** Default 'upper-left'. */
  readonly alignment?: Alignment;
  /** Default 1 / sqrt(D). */
  readonly scale?: number;
  readonly returnWeights?: boolean;
}

/**
 * Scaled dot-product attention: softmax_s(scale * q_l . k_s + mask) applied to the values.
 *
 * @param q [B, H, L, D], f32 or f16; [B, L, D] means one head
 * @param k [B, Hkv, S, D], H a multiple of Hkv: each head of keys and values serves H / Hkv heads of queries
 * @param v [B, Hkv, S, Dv]
 * @returns the output [B, H, L, Dv], or `{ output, weights }` with weights [B, H, L, S] if `returnWeights` is set; a query that may see
 *          no key gets zeros for both. 3-D inputs give 3-D results.
 * @throws ShapeError, DTypeError, ArgumentError
 *
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions & { returnWeights: true },
): AttentionResult;
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options?: ScaledDotProductAttentionOptions,
): Tensor;
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions = {},
): Tensor | AttentionResult {
  const op = 'scaledDotProductAttention';
  const sizes = check(op, q, k, v, options);
  return scope(() => attend(op, q, k, v, sizes, options));
}

type Sizes = ReturnType<typeof check>;

function attend(
  op: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { B, H, Hkv, L, S, D, Dv }: Sizes,
  options: ScaledDotProductAttentionOptions,
): Tensor | AttentionResult {
  const G = H / Hkv;
  // Heads that share keys are a dimension of their own, over which k and v broadcast.
  const q5 = reshape(q, [B, Hkv, G, L, D]);
  const scores = matmul(mul(q5, options.scale ?? 1 / Math.sqrt(D)), reshape(k, [B, Hkv, 1, S, D]), {
    transposeB: true,
  });
  const masked = maskScores(
    op,
    maskScores(op, reshape(scores, [B, H, L, S]), options.mask),
    causalMask(q, L, S, options),
  );
  const weights = softmax(masked);
  const output = matmul(reshape(weights, [B, Hkv, G, L, S]), reshape(v, [B, Hkv, 1, S, Dv]));
  const lead = q.rank === 3 ? [B] : [B, H];
  const shaped = reshape(output, [...lead, L, Dv]);
  return options.returnWeights ? { output: shaped, weights: reshape(weights, [...lead, L, S]) } : shaped;
}

/** Made on the device: an upload in the middle of a step would cost a submit of its own. */
function causalMask(
  { gpu }: Tensor,
  L: number,
  S: number,
  { isCausal = false, alignment = 'upper-left' }: ScaledDotProductAttentionOptions,
): Tensor | undefined {
  if (!isCausal) return undefined;
  const offset = alignment === 'lower-right' ? S - L : 0;
  const queries = arange(gpu, offset, offset + L, 1, 'i32');
  return lessEqual(arange(gpu, 0, S, 1, 'i32'), reshape(queries, [L, 1]));
}

function check(op: string, q: Tensor, k: Tensor, v: Tensor, { scale, alignment }: ScaledDotProductAttentionOptions) {
  checkFloat(op, 'q', q);
  checkSameDType(op, { q, k, v });
  const { rank } = q;
  const all = `q ${describe(q)}, k ${describe(k)}, v ${describe(v)}`;
  if ((rank !== 3 && rank !== 4) || k.rank !== rank || v.rank !== rank)
    throw new ShapeError(op, `q, k and v must all be [B, H, L, D] or all [B, L, D], got ${all}`);
  const four = (t: Tensor) =>
    (rank === 4 ? t.shape : [t.shape[0], 1, t.shape[1], t.shape[2]]) as [number, number, number, number];
  const [B, H, L, D] = four(q);
  const [Bk, Hkv, S, Dk] = four(k);
  const [Bv, Hv, Sv, Dv] = four(v);
  if (B !== Bk || B !== Bv) throw new ShapeError(op, `q, k and v must have the same batch size, got ${all}`);
  if (D !== Dk) throw new ShapeError(op, `q and k must have the same head dimension, got ${all}`);
  if (Hkv !== Hv || S !== Sv) throw new ShapeError(op, `k and v must have the same heads and length, got ${all}`);
  if (Hkv === 0 || H % Hkv !== 0)
    throw new ShapeError(op, `the heads of q must be a multiple of those of k and v, got ${all}`);
  if (scale !== undefined && !Number.isFinite(scale)) throw new ArgumentError(op, `scale must be finite, got ${scale}`);
  if (alignment !== undefined && alignment !== 'upper-left' && alignment !== 'lower-right') {
    throw new ArgumentError(op, `alignment must be 'upper-left' or 'lower-right', got '${alignment}'`);
  }
  return { B, H, Hkv, L, S, D, Dv };
}
