// torch.nn's recurrent networks, whose state dictionaries Fovea's layers take as they are.
import type { Gpu, Tensor } from '../../../index.ts';
import { GRU, type RecurrentOptions, RNN } from '../../../nn/index.ts';
import type { Args, Operators, Outputs } from '../args.ts';

/** The last layer's states, and the last state of every layer and direction. */
function run(
  x: Args,
  make: (gpu: Gpu, inputSize: number, hiddenSize: number, options: RecurrentOptions) => GRU | RNN,
): Outputs {
  x.only('batch_first', true).ignore('gate_order', 'bias');
  const [inputs, hidden] = [x.num('input_size'), x.num('hidden_size')];
  const options = { bidirectional: x.flag('bidirectional'), layers: x.num('num_layers', 1) };
  const layer = x.layer(() => withWeights(x, make(x.gpu, inputs, hidden, options)));
  const { output, state } = layer.forward(x.t('x'), { state: x.t('h0') });
  return [output, state];
}

/** A network without biases has zeros. */
function withWeights(x: Args, layer: GRU | RNN): GRU | RNN {
  const own = Object.entries(layer.stateDict());
  layer.loadStateDict(
    Object.fromEntries(own.map(([name, p]): [string, Tensor] => [name, x.opt(name) ?? x.gpu.zeros(p.shape)])),
  );
  for (const [name, p] of own) if (x.has(name)) x.bind(name, p);
  return layer;
}

export const recurrent: Operators = {
  RNN: (x) => {
    const nonlinearity = x.str('nonlinearity', 'tanh') === 'relu' ? 'relu' : 'tanh';
    return run(x, (gpu, inputs, hidden, options) => new RNN(gpu, inputs, hidden, { ...options, nonlinearity }));
  },
  GRU: (x) => run(x, (gpu, inputs, hidden, options) => new GRU(gpu, inputs, hidden, options)),
};
