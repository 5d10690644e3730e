import type { TensorTree } from '../autograd/tape.ts';
import { adam } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkOption, Optimizer } from './optimizer.ts';

export interface AdamOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Decay of the means of the gradient and of its square, in [0, 1); default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8; > 0. */
  readonly eps?: number;
  /** Adam: added to the gradient, times the parameter; default 0. AdamW: taken off the parameter, times lr; default 0.01. */
  readonly weightDecay?: number;
  /** The largest norm of all gradients together; beyond it they are scaled down. Default none. */
  readonly clipNorm?: number;
}

/** What the two have in common: all but how weights decay. */
abstract class AdamFamily extends Optimizer {
  readonly #moment1: Tensor;
  readonly #moment2: Tensor;
  readonly #constants: {
    readonly beta1: number;
    readonly beta2: number;
    readonly mix1: number;
    readonly mix2: number;
    readonly eps: number;
    readonly decay: number;
  };
  readonly #decoupled: boolean;

  constructor(name: string, params: TensorTree, options: AdamOptions, decoupled: boolean) {
    const { lr = 1e-3, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay: decay = 0, clipNorm } = options;
    checkOption(name, 'betas[0]', beta1, beta1 >= 0 && beta1 < 1, 'in [0, 1)');
    checkOption(name, 'betas[1]', beta2, beta2 >= 0 && beta2 < 1, 'in [0, 1)');
    checkOption(name, 'eps', eps, eps > 0, '> 0');
    checkOption(name, 'weightDecay', decay, decay >= 0, '>= 0');
    super(name, params, clipNorm === undefined ? { lr } : { lr, clipNorm }, { beta1, beta2, dampening: 0 });
    this.#decoupled = decoupled;
    this.#constants = { beta1, beta2, mix1: 1 - beta1, mix2: 1 - beta2, eps, decay };
    this.#moment1 = this.own(this.gpu.zeros([this.layout.total]));
    this.#moment2 = this.own(this.gpu.zeros([this.layout.total]));
  }

  protected override update(grads: Tensor): void {
    const count = this.layout.total / 4;
    const buffers = { scalars: this.scalars, grads, p: this.values, m: this.#moment1, v: this.#moment2 };
    dispatch(this.gpu, adam, buffers, { count, ...this.#constants }, grid(count, 256), { DECOUPLED: this.#decoupled });
  }

  protected override moments() {
    return { moment1: this.#moment1, moment2: this.#moment2 };
  }
}

/**
 * Adam, as PyTorch's: steps of lr mean(g) / (sqrt(mean(g^2)) + eps), both means corrected for their start at 0.
 *
 * Parameters must be f32. Kingma and Ba: Adam (ICLR 2015), https://arxiv.org/abs/1412.6980.
 *
 * @throws DTypeError for parameters of another type; ArgumentError for options out of range
 */
export class Adam extends AdamFamily {
  constructor(params: TensorTree, options: AdamOptions = {}) {
    super('Adam', params, options, false);
  }
}

/**
 * Adam with the decay of weights apart from the gradient, as PyTorch's; see `Adam`.
 *
 * Loshchilov and Hutter: Decoupled weight decay regularization (ICLR 2019), https://arxiv.org/abs/1711.05101.
 */
export class AdamW extends AdamFamily {
  constructor(params: TensorTree, options: AdamOptions = {}) {
    super('AdamW', params, { weightDecay: 0.01, ...options }, true);
  }
}
