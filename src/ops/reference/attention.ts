import type { Tensor } from '../../tensor.ts';
import { MASKED } from '../attention/mask.ts';
import { modified, shownBy } from '../attention/mods.ts';
import { maskShape, type ScaledDotProductAttentionOptions, type Sizes } from '../attention/options.ts';
import { add, div, mul, sub } from '../binary.ts';
import { cast } from '../cast.ts';
import { greaterEqual, less, lessEqual, logicalAnd } from '../compare.ts';
import { concat } from '../concat.ts';
import { arange, full } from '../create.ts';
import { dropout } from '../dropout.ts';
import { logsumexp } from '../logsumexp.ts';
import { matmul } from '../matmul.ts';
import { broadcastTo, permute, reshape } from '../shape.ts';
import { slice } from '../slice.ts';
import { softmax } from '../softmax.ts';
import { abs, tanh } from '../unary.ts';
import { where } from '../where.ts';

/**
 * The definition of `scaledDotProductAttention`, in f32 whatever the dtype: output, lse [B, H, L] and weights [B, H, L, S]. It holds all the
 * scores, and NaN in values that nothing may see does reach the output.
 */
export function attentionPlain(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  sizes: Sizes,
  options: ScaledDotProductAttentionOptions,
): { output: Tensor; lse: Tensor; weights: Tensor } {
  const { B, H, Hkv, L, S, D, Dv } = sizes;
  const blhd = options.layout === 'blhd' && q.rank === 4;
  const heads = (t: Tensor) => (blhd ? permute(t, [0, 2, 1, 3]) : t);
  const shared = (t: Tensor, d: number) => reshape(heads(cast(t, 'f32')), [B, Hkv, 1, S, d]);
  // Heads that share keys are a dimension of their own, over which k and v broadcast.
  const queries = reshape(heads(cast(q, 'f32')), [B, Hkv, H / Hkv, L, D]);
  const dots = reshape(matmul(queries, shared(k, D), { transposeB: true }), [B, H, L, S]);
  const there = existing(q, sizes, options);
  const unmasked = scoresOf(q, dots, sizes, options);
  const seen = visible(q, sizes, options, there.both);
  const shown = options.maskMod === undefined ? seen : logicalAnd(seen, shownBy(dots, sizes, options));
  const scores = where(shown, unmasked, MASKED);
  const { sinks } = options;
  // A sink is one more column, which has no value.
  const column = sinks && broadcastTo(reshape(cast(sinks, 'f32'), [H, 1, 1]), [B, H, L, 1]);
  const all = column ? where(there.queries, concat([scores, column], { axis: 3 }), MASKED) : scores;
  const weights = column ? slice(softmax(all), [null, null, null, [0, S]]) : softmax(all);
  const sums = all.shape[3] === 0 ? full(q.gpu, [B, H, L], MASKED) : logsumexp(all, { axis: 3 });
  const lse = where(less(sums, MASKED), full(q.gpu, [], MASKED), sums);
  const { p = 0 } = options.dropout ?? {};
  const dropped = options.dropout && p > 0 ? dropout(weights, options.dropout) : weights;
  const mixed = matmul(reshape(dropped, [B, Hkv, H / Hkv, L, S]), shared(v, Dv));
  const bhld = reshape(mixed, [B, H, L, Dv]);
  const output = blhd ? permute(bhld, [0, 2, 1, 3]) : reshape(bhld, q.rank === 3 ? [B, L, Dv] : bhld.shape);
  return { output: cast(output, q.dtype), lse, weights: cast(weights, q.dtype) };
}

/** scale * q.k, soft-capped, with ALiBi, a float mask and score_mod, in this order. */
function scoresOf(q: Tensor, dots: Tensor, sizes: Sizes, options: ScaledDotProductAttentionOptions): Tensor {
  const { scale = 1 / Math.sqrt(sizes.D), softcap, alibi, mask } = options;
  let scores = mul(dots, scale);
  if (softcap !== undefined) scores = mul(tanh(div(scores, softcap)), softcap);
  if (alibi) {
    const away = cast(abs(distance(q, sizes, options)), 'f32');
    scores = sub(scores, mul(reshape(cast(alibi, 'f32'), [sizes.H, 1, 1]), away));
  }
  if (mask && mask.dtype !== 'bool') scores = add(scores, cast(reshape(mask, maskShape(mask, q.rank)), 'f32'));
  return options.scoreMod === undefined ? scores : modified(broadcastTo(scores, dots.shape), sizes, options);
}

/** Lengths as i32 [B, 1, 1, 1], or the number that holds for all. */
const lengthsOf = (lengths: Tensor | undefined, otherwise: number) =>
  lengths ? cast(reshape(lengths, [lengths.size, 1, 1, 1]), 'i32') : otherwise;

/** i + offset - j, i32 [B or 1, 1, L, S]. */
function distance(q: Tensor, { L, S }: Sizes, options: ScaledDotProductAttentionOptions): Tensor {
  const i = reshape(arange(q.gpu, 0, L, 1, 'i32'), [L, 1]);
  const away = sub(i, arange(q.gpu, 0, S, 1, 'i32'));
  if (options.alignment !== 'lower-right') return reshape(away, [1, 1, L, S]);
  const keys = lengthsOf(options.keyLengths, S);
  const queries = lengthsOf(options.queryLengths, L);
  if (typeof keys === 'number' && typeof queries === 'number') return reshape(add(away, keys - queries), [1, 1, L, S]);
  return add(away, sub(keys, queries));
}

/** Which queries there are, bool [B or 1, 1, L, 1], and which pairs of a query and a key, [B or 1, 1, L, S]. */
function existing(q: Tensor, { L, S }: Sizes, { queryLengths, keyLengths }: ScaledDotProductAttentionOptions) {
  const i = reshape(arange(q.gpu, 0, L, 1, 'i32'), [1, 1, L, 1]);
  const queries = less(i, lengthsOf(queryLengths, L));
  const keys = less(reshape(arange(q.gpu, 0, S, 1, 'i32'), [1, 1, 1, S]), lengthsOf(keyLengths, S));
  return { queries, both: logicalAnd(queries, keys) };
}

/** Which keys a query may see, bool, broadcastable to [B, H, L, S]. */
function visible(q: Tensor, sizes: Sizes, options: ScaledDotProductAttentionOptions, there: Tensor): Tensor {
  const { mask, isCausal, window: [left, right] = [-1, -1] } = options;
  let seen = there;
  const away = distance(q, sizes, options);
  if (isCausal) seen = logicalAnd(seen, greaterEqual(away, 0));
  if (left >= 0) seen = logicalAnd(seen, lessEqual(away, left));
  if (right >= 0) seen = logicalAnd(seen, greaterEqual(away, -right));
  if (mask?.dtype === 'bool') seen = logicalAnd(seen, reshape(mask, maskShape(mask, q.rank)));
  return seen;
}
