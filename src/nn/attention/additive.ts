import { type AttentionResult, additiveAttention } from '../../ops/attention/additive.ts';
import { matmul } from '../../ops/matmul.ts';
import type { Tensor } from '../../tensor.ts';
import { glorotUniform, type Rng, uniform, zeros } from '../init.ts';
import { Module, parameter } from '../module.ts';

export interface AdditiveAttentionInput {
  /** [B, S, Dv]; default the keys. */
  readonly values?: Tensor;
  /** [B, S] or broadcastable to [B, L, S]; bool (true = attend) or float (added). */
  readonly mask?: Tensor;
  /** `projectKeys(keys)`, for keys that many calls share: a decoder's steps. */
  readonly projected?: Tensor;
}

/**
 * Additive attention: weights = softmax_s(v . tanh(wq q + wk k_s + bias)). `wq` is [size, querySize], `wk` [size, keySize], `v` and `bias` [size].
 *
 * Bahdanau, Cho, Bengio 2015, https://arxiv.org/abs/1409.0473.
 */
export class AdditiveAttention extends Module {
  readonly wq: Tensor;
  readonly wk: Tensor;
  readonly v: Tensor;
  readonly bias: Tensor;

  constructor(rng: Rng, querySize: number, keySize: number, size: number) {
    super();
    const bound = 1 / Math.sqrt(size);
    this.wq = parameter(glorotUniform(rng, [size, querySize]));
    this.wk = parameter(glorotUniform(rng, [size, keySize]));
    this.v = parameter(uniform(-bound, bound)(rng, [size]));
    this.bias = parameter(zeros(rng, [size]));
  }

  /** The keys' part of the sum, [B, S, size], which does not depend on the query. */
  projectKeys(keys: Tensor): Tensor {
    return matmul(keys, this.wk, { transposeB: true });
  }

  /**
   * @param query [B, querySize] or [B, L, querySize]
   * @param keys  [B, S, keySize]
   * @returns `output` [B, Dv] or [B, L, Dv] and `weights` [B, S] or [B, L, S]; zeros where a query may see no key
   */
  forward(query: Tensor, keys: Tensor, input: AdditiveAttentionInput = {}): AttentionResult {
    const { values = keys, mask, projected = this.projectKeys(keys) } = input;
    const { wq, v, bias } = this;
    return additiveAttention(query, projected, values, { wq, v, bias, ...(mask && { mask }), returnWeights: true });
  }
}
