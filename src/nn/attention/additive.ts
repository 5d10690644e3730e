import { type AttentionResult, additiveAttention } from '../../ops/attention/additive.ts';
import { matmul } from '../../ops/matmul.ts';
import { Rng } from '../../random/rng.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { Tensor } from '../../tensor.ts';
import { glorotUniform, uniform, zeros } from '../init.ts';
import { Module } from '../module.ts';
import { type Parameter, parameter } from '../parameter.ts';

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
  readonly wq: Parameter;
  readonly wk: Parameter;
  readonly v: Parameter;
  readonly bias: Parameter;

  constructor(gpu: Gpu, querySize: number, keySize: number, size: number, options: { readonly rng?: Rng } = {}) {
    super();
    const { rng = new Rng() } = options;
    const bound = 1 / Math.sqrt(size);
    this.wq = parameter(glorotUniform(gpu, [size, querySize], rng));
    this.wk = parameter(glorotUniform(gpu, [size, keySize], rng));
    this.v = parameter(uniform(-bound, bound)(gpu, [size], rng));
    this.bias = parameter(zeros(gpu, [size], rng));
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
