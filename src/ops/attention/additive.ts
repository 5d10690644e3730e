import { describe } from '../../host.ts';
import { ShapeError } from '../../runtime/errors.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { add } from '../binary.ts';
import { checkFloat, checkOptions, checkSameDType, checkShape } from '../check.ts';
import { matmul } from '../matmul.ts';
import { expandDims, reshape } from '../shape.ts';
import { softmax } from '../softmax.ts';
import { additiveScores } from './additive_scores.ts';
import { maskScores } from './mask.ts';

export interface AdditiveAttentionOptions {
  /** [A, Dq], projects the queries; without it they are [..., A] already. */
  readonly wq?: Tensor;
  /** [A, Dk], projects the keys; without it they are [..., A] already (projected once for many queries, say). */
  readonly wk?: Tensor;
  /** [A], the vector that makes a score of a sum. */
  readonly v: Tensor;
  /** [A], added inside tanh. */
  readonly bias?: Tensor;
  /** Broadcastable to [B, L, S]; bool (true = attend) or float (added to the scores). [B, S] stands for [B, 1, S]. */
  readonly mask?: Tensor;
  readonly returnWeights?: boolean;
}

export interface AttentionResult {
  readonly output: Tensor;
  readonly weights: Tensor;
}

/**
 * Additive attention: weights = softmax_s(v . tanh(wq q_l + wk k_s + bias)), output_l = sum_s weights_ls value_s.
 *
 * @param query  [B, L, Dq], or [B, Dq] for one query an example, f32 or f16
 * @param keys   [B, S, Dk]
 * @param values [B, S, Dv]
 * @returns the output [B, L, Dv] (or [B, Dv]), or `{ output, weights }` with weights [B, L, S] (or [B, S]) if `returnWeights` is set;
 *          a query that may see no key gets zeros for both
 * @throws ShapeError, DTypeError
 *
 * Bahdanau, Cho, Bengio 2015, https://arxiv.org/abs/1409.0473, appendix A.1.2.
 */
export function additiveAttention(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AdditiveAttentionOptions & { returnWeights: true },
): AttentionResult;
export function additiveAttention(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AdditiveAttentionOptions,
): Tensor;
export function additiveAttention(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AdditiveAttentionOptions,
): Tensor | AttentionResult {
  checkOptions('additiveAttention', options, 'v');
  check(query, keys, values, options);
  return scope(() => attend(query, keys, values, options));
}

function attend(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AdditiveAttentionOptions,
): Tensor | AttentionResult {
  const { wq, wk, v, bias, mask } = options;
  const single = query.rank === 2;
  const q = wq ? matmul(query, wq, { transposeB: true, ...(bias && { bias }) }) : bias ? add(query, bias) : query;
  const k = wk ? matmul(keys, wk, { transposeB: true }) : keys;
  const [B, S] = k.shape as [number, number];
  const scores = additiveScores(single ? expandDims(q, 1) : q, k, v);
  const seen = mask && mask.rank === 2 ? expandDims(mask, 1) : mask;
  const weights = softmax(maskScores('additiveAttention', scores, seen));
  const output = matmul(weights, values);
  const shaped = single ? reshape(output, [B, values.shape[2] as number]) : output;
  if (!options.returnWeights) return shaped;
  return { output: shaped, weights: single ? reshape(weights, [B, S]) : weights };
}

function check(query: Tensor, keys: Tensor, values: Tensor, { wq, wk, v, bias }: AdditiveAttentionOptions): void {
  const op = 'additiveAttention';
  checkFloat(op, 'query', query);
  checkSameDType(op, { query, keys, values, v, ...(wq && { wq }), ...(wk && { wk }), ...(bias && { bias }) });
  if (query.rank !== 2 && query.rank !== 3)
    throw new ShapeError(op, `query must be [B, L, Dq] or [B, Dq], got ${describe(query)}`);
  checkShape(op, 'keys', keys, [query.shape[0] as number, -1, -1]);
  checkShape(op, 'values', values, [query.shape[0] as number, keys.shape[1] as number, -1]);
  checkShape(op, 'v', v, [-1]);
  const A = v.size;
  if (wq) checkShape(op, 'wq', wq, [A, query.shape.at(-1) as number]);
  else checkShape(op, 'query', query, [...query.shape.slice(0, -1), A]);
  if (wk) checkShape(op, 'wk', wk, [A, keys.shape[2] as number]);
  else checkShape(op, 'keys', keys, [-1, -1, A]);
  if (bias) checkShape(op, 'bias', bias, [A]);
}
