import { rnn } from '../../ops/rnn.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { Recurrent, type RecurrentOptions } from './recurrent.ts';

/** A simple recurrent network over sequences, h' = tanh(W x + b + U h + c) or relu. Loads PyTorch's `nn.RNN` as it is. Elman 1990. */
export class RNN extends Recurrent {
  constructor(
    gpu: Gpu,
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { readonly nonlinearity?: 'tanh' | 'relu' } = {},
  ) {
    const { nonlinearity = 'tanh' } = options;
    super('RNN', gpu, 1, inputSize, hiddenSize, options, (gx, h0, u, bias, sequence) =>
      rnn(gx, h0, u, bias, { ...sequence, nonlinearity }),
    );
  }
}
