// torch.nn's recurrent networks: layers on top of each other, each in one or two directions.
import { concat, gru, matmul, reshape, rnn, type SequenceOptions, slice, stack, type Tensor } from '../../../index.ts';
import type { Args, Operators, Outputs } from '../args.ts';

/** One of Fovea's sequence ops. */
type Cell = (
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: SequenceOptions,
) => { readonly y: Tensor; readonly hLast: Tensor };

/** One layer in one direction; `suffix` is that of its parameters' names. */
function direction(x: Args, cell: Cell, input: Tensor, h0: Tensor, suffix: string, reverse: boolean) {
  const u = x.t(`weight_hh_${suffix}`);
  const bias = (name: string) => x.opt(`bias_${name}_${suffix}`) ?? x.gpu.zeros([u.shape[0] as number]);
  const gx = matmul(input, x.t(`weight_ih_${suffix}`), { transposeB: true, bias: bias('ih') });
  return cell(gx, h0, u, bias('hh'), { reverse });
}

/** The last layer's states, both directions beside each other, and the last state of every layer and direction. */
function layers(x: Args, cell: Cell): Outputs {
  x.only('batch_first', true).ignore('input_size', 'gate_order', 'bias');
  const H = x.num('hidden_size');
  const directions = x.flag('bidirectional') ? ['', '_reverse'] : [''];
  const h0 = x.t('h0');
  const B = h0.shape[1] as number;
  const last: Tensor[] = [];
  let input = x.t('x');
  for (let layer = 0; layer < x.num('num_layers', 1); layer++) {
    const outputs = directions.map((suffix, d) => {
      const row = layer * directions.length + d;
      const { y, hLast } = direction(
        x,
        cell,
        input,
        reshape(slice(h0, [[row, row + 1]]), [B, H]),
        `l${layer}${suffix}`,
        d === 1,
      );
      last.push(hLast);
      return y;
    });
    input = outputs.length > 1 ? concat(outputs, { axis: 2 }) : (outputs[0] as Tensor);
  }
  return [input, stack(last)];
}

function simple(x: Args): Outputs {
  const nonlinearity = x.str('nonlinearity', 'tanh') === 'relu' ? 'relu' : 'tanh';
  return layers(x, (gx, h0, u, bias, options) => rnn(gx, h0, u, bias, { ...options, nonlinearity }));
}

export const recurrent: Operators = { RNN: simple, GRU: (x) => layers(x, gru) };
