// ONNX's training operators: one step of an optimiser on several tensors, with its state given and returned.
import { detach, full, type Tensor } from '../../../index.ts';
import { SGD } from '../../../optim/index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';

/** Inputs R (learning rate), T (steps so far), then all X, all gradients, all momenta; outputs all new X, all new momenta. */
function momentum(x: Args): Outputs {
  const count = (x.positions.length - 2) / 3;
  const group = (i: number): Tensor[] => Array.from({ length: count }, (_, k) => x.t(2 + i * count + k));
  // In the first step beta, the share of the gradient, counts as 1.
  const beta = x.num('beta');
  const dampening = x.num(1) > 0 ? 1 - beta : 0;
  const nesterov = x.str('mode') === 'nesterov';
  if (nesterov && dampening !== 0) throw new Unsupported('nesterov with beta');
  const [params, grads, state] = [group(0), group(1), group(2)] as [Tensor[], Tensor[], Tensor[]];
  const options = {
    lr: x.num(0),
    momentum: x.num('alpha'),
    dampening,
    nesterov,
    weightDecay: x.num('norm_coefficient'),
  };
  const optimizer = new SGD(params, options);
  // The state is not that of a start, whatever T says.
  const steps = full(x.gpu, [1], x.num(1) + 1, 'u32');
  optimizer.loadStateDict({ steps, ...Object.fromEntries(state.map((t, i) => [`momentum.${i}`, t])) });
  optimizer.step(grads);
  const moments = optimizer.stateDict();
  const news = state.map((_, i) => detach(moments[`momentum.${i}`] as Tensor));
  optimizer.dispose();
  return [...params, ...news];
}

export const training: Operators = { Momentum: momentum };
