import { noGrad, record, throughPlain } from '../../autograd/tape.ts';
import { ArgumentError } from '../../runtime/errors.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { attentionPlain } from '../reference/attention.ts';
import { reshape } from '../shape.ts';
import { pad, slice } from '../slice.ts';
import type { AttentionResult } from './additive.ts';
import {
  deltaOf,
  type Given,
  gradientOfMask,
  gradientOfQ,
  gradientOfSinks,
  gradientsOfKV,
  gradientsTogether,
} from './backward.ts';
import { forward, lseOf, weightsOf } from './forward.ts';
import { forwardByMatrices, gradientsByMatrices } from './matrices.ts';
import { checkScoreMod } from './mods.ts';
import { check, type ScaledDotProductAttentionOptions, type Sizes } from './options.ts';
import { layOut, type Problem } from './problem.ts';

export type { Alignment, ScaledDotProductAttentionOptions } from './options.ts';

const OP = 'scaledDotProductAttention';

/** What attention returns beside its output where asked to. */
export interface ScaledDotProductAttentionResult {
  readonly output: Tensor;
  /** [B, H, L], f32: the logarithm of the sum of exp(scores) of each query, sink included; -3.4e38 where it sees nothing. */
  readonly lse: Tensor;
  /** [B, H, L, S]: the weights before dropout. */
  readonly weights: Tensor;
}

/**
 * Scaled dot-product attention: softmax_j(score_ij) applied to the values, without ever holding the L x S scores.
 *
 * score_ij = scale q_i . k_j, then, where asked for and in this order: softcap tanh(s / softcap); - slope_h |i + offset - j|; + mask; then what may not
 * be seen is removed (bool mask, causality, window, lengths); softmax over what is left and the sink; dropout. A query that may see no key gets
 * zeros, and zero gradients. NaN in keys and values reaches only those queries that may see them.
 *
 * @param q [B, H, L, D], f32 or f16, D and Dv up to 256; [B, L, D] means one head; [B, L, H, D] with `layout: 'blhd'`, as k, v and the output
 * @param k [B, Hkv, S, D], H a multiple of Hkv: each head of keys and values serves H / Hkv heads of queries
 * @param v [B, Hkv, S, Dv]
 * @returns the output [B, H, L, Dv]; with `returnLse` or `returnWeights` `{ output, lse, weights }` with those asked for. All are differentiable by q,
 *          k, v, a float mask (summed over the axes it is broadcast along) and the sinks; through the weights at the cost of holding them.
 *          3-D inputs give results without the axis of heads.
 * @throws ShapeError, DTypeError, ArgumentError
 *
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1; computed as in Dao et al. 2022, https://arxiv.org/abs/2205.14135.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions & { returnLse: true; returnWeights: true },
): ScaledDotProductAttentionResult;
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions & { returnLse: true },
): Omit<ScaledDotProductAttentionResult, 'weights'>;
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
): Tensor | Partial<ScaledDotProductAttentionResult> {
  const sizes = check(OP, q, k, v, options);
  return scope(() => {
    const { output, lse, weights } = attend(q, k, v, sizes, options);
    if (!lse && !weights) return output;
    return { output, ...(lse && { lse }), ...(weights && { weights }) };
  });
}

type Results = Pick<ScaledDotProductAttentionResult, 'output'> & Partial<ScaledDotProductAttentionResult>;

/** Kernels read four numbers at a time: heads of other widths are filled up with zeros. */
function attend(q: Tensor, k: Tensor, v: Tensor, sizes: Sizes, options: ScaledDotProductAttentionOptions): Results {
  const { D, Dv } = sizes;
  const [D4, Dv4] = [4 * Math.ceil(D / 4), 4 * Math.ceil(Dv / 4)];
  if (D4 === D && Dv4 === Dv) return fused(q, k, v, sizes, options);
  const widen = (t: Tensor, to: number) => {
    const more = to - (t.shape.at(-1) as number);
    return more > 0 ? pad(t, [...t.shape.slice(1).map(() => [0, 0] as const), [0, more]]) : t;
  };
  const { scale = 1 / Math.sqrt(D) } = options;
  const wide = { ...sizes, D: D4, Dv: Dv4 };
  const results = fused(widen(q, D4), widen(k, D4), widen(v, Dv4), wide, { ...options, scale });
  if (Dv4 === Dv) return results;
  return { ...results, output: slice(results.output, [...q.shape.slice(1).map(() => null), [0, Dv]]) };
}

function fused(q: Tensor, k: Tensor, v: Tensor, sizes: Sizes, options: ScaledDotProductAttentionOptions): Results {
  const { gpu, dtype } = q;
  const { B, H, L, S } = sizes;
  checkScoreMod(gpu, sizes, options);
  const problem = layOut(q, sizes, options);
  const stats = gpu.empty([problem.params.rows, 2], 'f32', OP);
  const byMatrices = problem.plan.variant === 'matrices';
  const output = byMatrices
    ? noGrad(() => forwardByMatrices(q, k, v, stats, problem))
    : forward(q, k, v, stats, problem);
  const lead = q.rank === 3 ? [B, L] : [B, H, L];
  const lse = options.returnLse ? gpu.empty(lead, 'f32', OP) : undefined;
  if (lse) lseOf(stats, lse);
  const weights = options.returnWeights ? gpu.empty([...lead, S], dtype, OP) : undefined;
  if (weights) weightsOf(q, k, stats, weights, problem);
  const results = { output, ...(lse && { lse }), ...(weights && { weights }) };
  recordFused(q, k, v, stats, problem, options, results);
  return results;
}

/** The tensors among the options, in the order in which the tape has them behind q, k and v. */
function tensorsOf({
  mask,
  sinks,
  alibi,
  queryLengths,
  keyLengths,
  extras: [extra0, extra1] = [],
}: ScaledDotProductAttentionOptions) {
  const all = { mask, sinks, alibi, queryLengths, keyLengths, extra0, extra1 };
  return Object.entries(all).filter((entry): entry is [keyof typeof all, Tensor] => entry[1] !== undefined);
}
type Extras = { readonly [N in ReturnType<typeof tensorsOf>[number][0]]?: Tensor };

function recordFused(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  stats: Tensor,
  problem: Problem,
  options: ScaledDotProductAttentionOptions,
  { output, lse, weights }: Results,
): void {
  const given = tensorsOf(options);
  const names = given.map(([name]) => name);
  const inputs = [q, k, v, ...given.map(([, t]) => t)];
  const extrasOf = (all: readonly Tensor[]): Extras => Object.fromEntries(names.map((name, i) => [name, all[i + 3]]));
  const plain = (...all: Tensor[]) => {
    const [q, k, v] = all as [Tensor, Tensor, Tensor];
    const { extra0, extra1, ...others } = extrasOf(all);
    const extras = [extra0, extra1].filter((t) => t !== undefined);
    const results = attentionPlain(q, k, v, problem.sizes, { ...options, ...others, extras });
    const like = (t: Tensor, given: Tensor | undefined) => (given ? [reshape(t, given.shape)] : []);
    return [results.output, ...like(results.lse, lse), ...like(results.weights, weights)];
  };
  record({
    op: OP,
    inputs,
    outputs: [output, ...(lse ? [lse] : []), ...(weights ? [weights] : [])],
    saved: [...inputs, output, stats, problem.mask, problem.aux],
    backward: (dys, saved, needs) => {
      const given = saved.slice(0, inputs.length);
      // The gradient of the weights comes as a matrix of them anyway.
      if (weights && dys.at(-1)) return throughPlain(plain, given, dys, needs);
      const needed = names.filter((_, i) => needs[i + 3]);
      const grads = gradients(saved, extrasOf(given), problem, dys[0] ?? null, (lse && dys[1]) ?? null, needs, needed);
      return [...grads.qkv, ...names.map((name) => grads.extras[name] ?? null)];
    },
    plain,
  });
}

/** The gradients of q, k, v and of those extras that need one, from those of the output and of lse. */
function gradients(
  saved: readonly Tensor[],
  { mask, sinks }: Extras,
  given: Problem,
  dOutput: Tensor | null,
  dlse: Tensor | null,
  needs: readonly boolean[],
  needed: readonly (keyof Extras)[],
): { qkv: (Tensor | null)[]; extras: Extras } {
  const without = needed.find((name) => name === 'alibi' || name.startsWith('extra'));
  if (without) throw new ArgumentError(OP, `${without.replace(/(\d)/, 's[$1]')} has no gradient, detach it`);
  const [q, k, v] = saved as [Tensor, Tensor, Tensor];
  const [o, stats, maskBits, aux] = saved.slice(-4) as [Tensor, Tensor, Tensor, Tensor];
  const problem = { ...given, mask: maskBits, aux };
  const dO = dOutput ?? q.gpu.zeros(o.shape, o.dtype);
  const rows = deltaOf(o, stats, dO, dlse, problem);
  const all = { q, k, v, dO, rows };
  return {
    qkv: gradientsOf(all, problem, needs),
    extras: {
      ...(mask && needed.includes('mask') && { mask: gradientOfMask(all, mask, problem) }),
      ...(sinks && needed.includes('sinks') && { sinks: gradientOfSinks(rows, sinks, problem) }),
    },
  };
}

/** The gradients of q, k and v. */
function gradientsOf(given: Given, problem: Problem, needs: readonly boolean[]): (Tensor | null)[] {
  if (problem.plan.variant === 'matrices') return noGrad(() => gradientsByMatrices(given, problem, needs));
  const [needsQ, needsK, needsV] = needs;
  if (problem.plan.together && needsQ && (needsK || needsV)) return gradientsTogether(given, problem);
  const dkv = needsK || needsV ? gradientsOfKV(given, problem) : [null, null];
  return [needsQ ? gradientOfQ(given, problem) : null, ...dkv];
}
