// Keras's optimisers: some steps from an initial value with given gradients.
import type { Gpu, Tensor } from '../../../index.ts';
import { Adam, AdamW, type Optimizer, SGD } from '../../../optim/index.ts';
import { Args, apply, type Operators, Unsupported } from '../args.ts';
import type { HostTensor, JsonObject } from '../case.ts';
import { type Check, close } from '../suite.ts';

export interface OptimizerCase {
  readonly op: string;
  readonly config: JsonObject;
  readonly initial: HostTensor;
  readonly grads: readonly HostTensor[];
  readonly expected: HostTensor;
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}

/** What the optimisers share; a single variable's norm is the norm of all. */
function common(x: Args): { lr: number; clipNorm?: number } {
  x.only('use_ema', false).ignore('name', 'ema_momentum', 'ema_overwrite_frequency');
  const clip = x.has('clipnorm') ? 'clipnorm' : 'global_clipnorm';
  return { lr: x.num('learning_rate'), ...(x.has(clip) && { clipNorm: x.num(clip) }) };
}

/** Steps on one parameter; what is left of it. */
function run(x: Args, make: (parameter: Tensor) => Optimizer): Tensor {
  const parameter = x.t('initial');
  const grads = x.list('grads');
  const optimizer = make(parameter);
  for (const g of grads) optimizer.step([g]);
  optimizer.dispose();
  return parameter;
}

/** Keras adds epsilon before the means are corrected, PyTorch and Fovea after: alike in the first step with epsilon / sqrt(1 - beta_2). */
function adam(x: Args) {
  const epsilon = x.num('epsilon');
  const beta2 = x.num('beta_2');
  if (x.list('grads').length > 1) throw new Unsupported('epsilon before the correction, over several steps');
  x.only('amsgrad', false);
  return { ...common(x), betas: [x.num('beta_1'), beta2] as const, eps: epsilon / Math.sqrt(1 - beta2) };
}

const OPTIMIZERS: Operators = {
  SGD: (x) => {
    const momentum = x.num('momentum', 0);
    const nesterov = x.flag('nesterov') && momentum > 0;
    const options = { ...common(x), momentum, nesterov };
    return run(x, (p) => new SGD([p], options));
  },
  Adam: (x) => {
    const options = adam(x);
    return run(x, (p) => new Adam([p], options));
  },
  AdamW: (x) => {
    const options = { ...adam(x), weightDecay: x.num('weight_decay', 0) };
    return run(x, (p) => new AdamW([p], options));
  },
};

export function runOptimizer(gpu: Gpu, { op, config, initial, grads, expected, tolerance }: OptimizerCase): Check[] {
  const args = new Args(gpu, [...Object.entries(config), ['initial', initial] as const, ['grads', grads] as const]);
  const [got] = apply(OPTIMIZERS, op, args);
  const { dims, data } = expected;
  return [
    { result: 'parameter', got: got as Tensor, want: { dims, data }, tolerance: close(tolerance.atol, tolerance.rtol) },
  ];
}
