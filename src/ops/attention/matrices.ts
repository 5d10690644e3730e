// Attention by matrix products, for adapters on which those are faster than kernels that keep their scores to themselves (CPUs), where every query sees
// every key. The scores lie in memory, but only so many at once.
import { attentionSoftmax, attentionSoftmaxBackward } from '../../generated/kernels.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { concat } from '../concat.ts';
import { matmul } from '../matmul.ts';
import type { Given } from './backward.ts';
import type { Sizes } from './options.ts';
import type { Problem } from './problem.ts';

const WG = 16;
/** Bindings begin at multiples of this many bytes. */
const ALIGNMENT = 256;
/** Bytes of scores held at once: this, or four times those of q. */
const LEAST_BYTES = 2 ** 20;

/** Heads of keys as matrices: `rows` queries of all heads that share them, `count` of them, `chunk` at a time. */
interface Matrices {
  readonly rows: number;
  readonly count: number;
  readonly chunk: number;
}

/** How the scores are cut up, or null where they cannot be: where S is no multiple of four, a head has too many, or a part would begin out of line. */
export function matricesOf({ B, H, Hkv, L, S, D, Dv }: Sizes): Matrices | null {
  const rows = (H / Hkv) * L;
  const count = B * Hkv;
  if (S === 0 || S % 4 !== 0 || rows * count === 0) return null;
  const most = Math.max(LEAST_BYTES, 16 * count * rows * D);
  const chunk = Math.min(count, Math.floor(most / (4 * rows * S)));
  if (chunk >= count) return { rows, count, chunk: count };
  const inLine = [rows * D, rows * Dv, S * D, S * Dv].every((n) => (4 * n) % ALIGNMENT === 0);
  return chunk > 0 && inLine ? { rows, count, chunk } : null;
}

/** Calls `f` for each chunk with a function that gives its part of [B, H or Hkv, ..., width], as [matrices, n, width]; joins what it returns. */
function byChunks(
  { count, chunk }: Matrices,
  f: (part: (t: Tensor, n: number, width: number) => Tensor, first: number, matrices: number) => Tensor[],
): Tensor[] {
  const all: Tensor[][] = [];
  for (let first = 0; first < count; first += chunk) {
    const matrices = Math.min(chunk, count - first);
    const part = (t: Tensor, n: number, width: number) =>
      t.reinterpret(t.dtype, [matrices, n, width], t.byteOffset + 4 * first * n * width);
    all.push(f(part, first, matrices));
  }
  const [first = []] = all;
  return all.length === 1 ? first : first.map((_, i) => concat(all.map((one) => one[i] as Tensor)));
}

/** O of `shape`; the maximum and the sum of each row go to `stats`. */
export function forwardByMatrices(q: Tensor, k: Tensor, v: Tensor, stats: Tensor, { sizes, params }: Problem): Tensor {
  const { S, D, Dv } = sizes;
  const matrices = matricesOf(sizes) as Matrices;
  const { rows } = matrices;
  const [o] = byChunks(matrices, (part, first, n) => {
    const scores = matmul(part(q, rows, D), part(k, S, D), { transposeB: true });
    const total = n * rows;
    const given = { rows: total, s4: S / 4, first: first * rows, scale: params.scale };
    dispatch(q.gpu, attentionSoftmax, { scores, stats }, given, grid(total, WG), { WG });
    return [matmul(scores, part(v, S, Dv))];
  });
  return (o as Tensor).reinterpret('f32', q.shape.with(-1, Dv));
}

/** The gradients of those of q, k and v that need one. */
export function gradientsByMatrices(
  { q, k, v, dO, rows: stats }: Given,
  { sizes, params }: Problem,
  needs: readonly boolean[],
): (Tensor | null)[] {
  const { S, D, Dv } = sizes;
  const matrices = matricesOf(sizes) as Matrices;
  const { rows } = matrices;
  const grads = byChunks(matrices, (part, first, n) => {
    const [queries, keys, values, dOutput] = [part(q, rows, D), part(k, S, D), part(v, S, Dv), part(dO, rows, Dv)];
    const s = matmul(queries, keys, { transposeB: true });
    const dp = matmul(dOutput, values, { transposeB: true });
    const count = (n * rows * S) / 4;
    const given = { count, s4: S / 4, first: first * rows, scale: params.scale };
    dispatch(q.gpu, attentionSoftmaxBackward, { rows: stats, s, dp }, given, grid(count, WG), { WG });
    // Now they hold the weights and the gradients of the scores.
    const products = [
      () => matmul(dp, keys),
      () => matmul(dp, queries, { transposeA: true }),
      () => matmul(s, dOutput, { transposeA: true }),
    ];
    return products.filter((_, i) => needs[i]).map((product) => product());
  });
  return [q, k, v].map((t, i) => (needs[i] ? (grads.shift() as Tensor).reinterpret('f32', t.shape) : null));
}
