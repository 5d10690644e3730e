// ONNX's Attention.
import {
  add,
  cast,
  concat,
  div,
  full,
  logicalAnd,
  matmul,
  mul,
  pad,
  permute,
  reshape,
  scaledDotProductAttention,
  type Tensor,
  tanh,
  tril,
  where,
} from '../../../index.ts';
import { type Args, type Outputs, Unsupported } from '../args.ts';

/** [B, L, H D] as [B, H, L, D]. */
const heads = (t: Tensor, count: number): Tensor =>
  t.rank === 4
    ? t
    : permute(
        reshape(t, [t.shape[0] as number, t.shape[1] as number, count, (t.shape[2] as number) / count]),
        [0, 2, 1, 3],
      );

/**
 * The mask with causality in it where `alignment` has no word for it: over a cache, whose length is the offset, with more or fewer new keys
 * than queries.
 */
function causalOverCache(x: Args, mask: Tensor | null, L: number, S: number, offset: number): Tensor {
  const seen = tril(full(x.gpu, [L, S], true, 'bool'), { diagonal: offset });
  if (!mask) return seen;
  return mask.dtype === 'bool' ? logicalAnd(mask, seen) : where(seen, mask, Number.NEGATIVE_INFINITY);
}

/** The mask; one that is narrower than the keys hides those behind it. */
function maskOf(x: Args, S: number): Tensor | null {
  const mask = x.opt(3);
  const missing = S - (mask?.shape.at(-1) ?? S);
  if (!mask || missing <= 0 || mask.shape.at(-1) === 1) return mask;
  const value = mask.dtype === 'bool' ? 0 : Number.NEGATIVE_INFINITY;
  return pad(mask, [...mask.shape.slice(1).map(() => [0, 0] as const), [0, missing]], { value });
}

/** What mode 0 to 2 ask for, which attention itself never holds: the scaled scores; capped; and with what is masked at -inf. */
function scoresOf(q: Tensor, k: Tensor, mode: number, scale: number, softcap: number, mask: Tensor | null): Tensor {
  const [B, H, L, D] = q.shape as [number, number, number, number];
  const [, Hkv, S] = k.shape as [number, number, number];
  // The rows of all heads that share keys, one after the other.
  const rows = reshape(mul(q, scale), [B, Hkv, (H / Hkv) * L, D]);
  const s = reshape(matmul(rows, k, { transposeB: true }), [B, H, L, S]);
  const capped = mode > 0 && softcap > 0 ? mul(tanh(div(s, softcap)), softcap) : s;
  if (mode < 2 || !mask) return capped;
  return mask.dtype === 'bool' ? where(mask, capped, Number.NEGATIVE_INFINITY) : add(capped, mask);
}

/** Causality starts at the upper left, or with a cache of keys after it. */
export function attention(x: Args): Outputs {
  x.ignore('softmax_precision');
  const softcap = x.num('softcap', 0);
  // The keys that are no padding; causality is that of a cache with so many.
  const lengths = x.has(6) && x.t(6);
  const flat = x.t(0).rank === 3;
  const [queries, keys] = [x.num('q_num_heads', 0), x.num('kv_num_heads', 0)];
  const q = heads(x.t(0), queries);
  const past = (t: Tensor, slot: number) => (x.has(slot) ? concat([x.t(slot), t], { axis: 2 }) : t);
  const [k, v] = [past(heads(x.t(1), keys), 4), past(heads(x.t(2), keys), 5)];
  const [L, K, S] = [q.shape[2], x.t(1).shape.at(-2), k.shape[2]] as [number, number, number];
  const isCausal = x.flag('is_causal');
  const given = maskOf(x, S);
  const odd = isCausal && x.has(4) && L !== K;
  const mask = odd ? causalOverCache(x, given, L, S, S - K) : given;
  const scale = x.num('scale', (q.shape[3] as number) ** -0.5);
  const { output, weights } = scaledDotProductAttention(q, k, v, {
    ...(mask && { mask }),
    isCausal: isCausal && !odd,
    alignment: x.has(4) || lengths ? 'lower-right' : 'upper-left',
    ...(softcap > 0 && { softcap }),
    ...(lengths && { keyLengths: cast(lengths, 'u32') }),
    scale,
    returnWeights: true,
  });
  const [B, H, , D] = output.shape as [number, number, number, number];
  const y = flat ? reshape(permute(output, [0, 2, 1, 3]), [B, L, H * D]) : output;
  const mode = x.num('qk_matmul_output_mode', 0);
  if (mode === 3 || !x.wanted[3]) return [y, k, v, weights];
  if (lengths) throw new Unsupported('scores beside nonpad_kv_seqlen');
  const all = isCausal && !odd ? causalOverCache(x, given, L, S, S - K) : mask;
  return [y, k, v, scoresOf(q, k, mode, scale, softcap, all)];
}
