import type { TensorTree } from '../autograd/tape.ts';
import { sgd } from '../generated/kernels.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkOption, Optimizer } from './optimizer.ts';

export interface SgdOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** How much of the last step goes into the next; default 0. */
  readonly momentum?: number;
  /** How much less than all of the gradient goes into the momentum; default 0. */
  readonly dampening?: number;
  /** Whether to look ahead along the momentum; default false. */
  readonly nesterov?: boolean;
  /** Added to the gradient, times the parameter; default 0. */
  readonly weightDecay?: number;
  /** The largest norm of all gradients together; beyond it they are scaled down. Default none. */
  readonly clipNorm?: number;
}

/**
 * Stochastic gradient descent, with momentum if wanted, as PyTorch's.
 *
 * Parameters must be f32. Sutskever, Martens, Dahl and Hinton: On the importance of initialization and momentum in deep learning (ICML 2013).
 *
 * @throws DTypeError for parameters of another type; ArgumentError for options out of range
 */
export class SGD extends Optimizer {
  readonly #momentum: Tensor;
  readonly #constants: { readonly momentum: number; readonly decay: number };
  readonly #nesterov: boolean;

  constructor(params: TensorTree, options: SgdOptions = {}) {
    const { lr = 1e-3, momentum = 0, dampening = 0, nesterov = false, weightDecay: decay = 0, clipNorm } = options;
    checkOption('SGD', 'momentum', momentum, momentum >= 0, '>= 0');
    checkOption('SGD', 'dampening', dampening, true, 'finite');
    checkOption('SGD', 'weightDecay', decay, decay >= 0, '>= 0');
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new ArgumentError('SGD', `nesterov needs a momentum and no dampening, got ${momentum} and ${dampening}`);
    }
    super('SGD', params, clipNorm === undefined ? { lr } : { lr, clipNorm }, { beta1: 0, beta2: 0, dampening });
    this.#constants = { momentum, decay };
    this.#nesterov = nesterov;
    this.#momentum = this.own(this.gpu.zeros([momentum > 0 ? this.layout.total : 1]));
  }

  protected override update(grads: Tensor): void {
    const count = this.layout.total / 4;
    const buffers = { scalars: this.scalars, grads, p: this.values, b: this.#momentum };
    const constants = { MOMENTUM: this.#constants.momentum > 0, NESTEROV: this.#nesterov };
    dispatch(this.gpu, sgd, buffers, { count, ...this.#constants }, grid(count, 256), constants);
  }

  protected override moments(): Readonly<Record<string, Tensor>> {
    return this.#constants.momentum > 0 ? { momentum: this.#momentum } : {};
  }
}
