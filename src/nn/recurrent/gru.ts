import { gru } from '../../ops/gru.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { Recurrent, type RecurrentOptions } from './recurrent.ts';

/**
 * Gated recurrent units over sequences; see the op `gru` for the formula. Loads PyTorch's `nn.GRU` as it is.
 *
 * Cho et al. 2014, https://arxiv.org/abs/1406.1078.
 */
export class GRU extends Recurrent {
  constructor(gpu: Gpu, inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super('GRU', gpu, 3, inputSize, hiddenSize, options, gru);
  }
}
