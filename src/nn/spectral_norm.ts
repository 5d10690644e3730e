import { noGrad } from '../autograd/tape.ts';
import { describe, sizeOf } from '../host.ts';
import { div, mul } from '../ops/binary.ts';
import { matmul } from '../ops/matmul.ts';
import { rmsNorm } from '../ops/norm/rms_norm.ts';
import { randn } from '../ops/random.ts';
import { permute, reshape } from '../ops/shape.ts';
import { Rng } from '../random/rng.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface SpectralNormOptions {
  /** Steps of the power iteration at each reading of the weight in training; default 1. */
  readonly nPowerIterations?: number;
  /** Added to the norms of u and v before dividing by them; default 1e-12. */
  readonly eps?: number;
  /** The axis of the outputs; default 0, which it is but for transposed convolutions. */
  readonly dim?: number;
  /** Where the seeds of u and v come from; default one of its own, seeded at random. */
  readonly rng?: Rng;
}

/** Steps of the power iteration before the first use, as in PyTorch. */
const WARM_UP = 15;

/** The power iteration and its state. */
class PowerIteration extends Module {
  /** f32[outputs]: the left singular vector, as far as it is known; not trained. */
  readonly _u: Parameter;
  /** f32[the rest]: the right one. */
  readonly _v: Parameter;
  readonly #options: Required<Omit<SpectralNormOptions, 'rng'>>;

  constructor(weight: Tensor, { nPowerIterations = 1, eps = 1e-12, dim = 0, rng = new Rng() }: SpectralNormOptions) {
    super();
    this.#options = { nPowerIterations, eps, dim };
    const { gpu, shape } = weight;
    const outputs = shape[dim] as number;
    const start = (n: number) => parameter(randn(gpu, [n], { seed: rng.next() }), { trainable: false });
    this._u = start(outputs);
    this._v = start(sizeOf(shape) / outputs);
    scope(() => noGrad(() => this.#iterate(this.#matrix(weight), WARM_UP)));
  }

  /** weight / sigma, with sigma = u^T W v; u and v are constants to the gradient. */
  forward(weight: Tensor): Tensor {
    const w = this.#matrix(weight);
    // The vectors of this call are tensors of their own: the gradient needs them, whatever later calls do to the state.
    const { u, v } = this.training
      ? noGrad(() => this.#iterate(w, this.#options.nPowerIterations))
      : { u: this._u, v: this._v };
    const sigma = matmul(reshape(u, [1, u.size]), matmul(w, reshape(v, [v.size, 1])));
    return div(weight, reshape(sigma, []));
  }

  /** [outputs, the rest]. */
  #matrix(weight: Tensor): Tensor {
    const { dim } = this.#options;
    const axes = weight.shape.map((_, i) => i);
    const first = dim === 0 ? weight : permute(weight, [dim, ...axes.filter((i) => i !== dim)]);
    return reshape(first, [this._u.size, this._v.size]);
  }

  /** u <- W v / |W v|, v <- W^T u / |W^T u|, so many times; the result goes into the state as well. */
  #iterate(w: Tensor, times: number): { readonly u: Tensor; readonly v: Tensor } {
    let u: Tensor = reshape(this._u, [1, this._u.size]);
    let v: Tensor = reshape(this._v, [1, this._v.size]);
    for (let i = 0; i < times; i++) {
      u = this.#unit(matmul(v, w, { transposeB: true }));
      v = this.#unit(matmul(u, w));
    }
    w.gpu.copyInto(this._u, u);
    w.gpu.copyInto(this._v, v);
    return { u, v };
  }

  /** x / sqrt(|x|^2 + eps^2). */
  #unit(x: Tensor): Tensor {
    const n = x.size;
    return mul(rmsNorm(x, { eps: this.#options.eps ** 2 / n }), 1 / Math.sqrt(n));
  }
}

/** A weight as it is trained, and what is done to it. The names are PyTorch's: `weight.original`, `weight.0._u`. */
class Parametrized extends Module {
  readonly original: Parameter;
  readonly 0: PowerIteration;

  constructor(original: Parameter, steps: PowerIteration) {
    super();
    this.original = original;
    this[0] = steps;
  }
}

class Parametrizations extends Module {
  readonly weight: Parametrized;

  constructor(weight: Parametrized) {
    super();
    this.weight = weight;
  }
}

/**
 * Spectral normalisation of a layer's weight: W / sigma, where sigma, the largest singular value of W as a matrix [outputs, the rest], is u^T W v with u
 * and v from a power iteration that goes on by `nPowerIterations` steps at each use in training (Miyato, Kataoka, Koyama and Yoshida 2018,
 * arXiv:1802.05957, algorithm 1). The gradient runs through sigma; u and v are constants to it.
 *
 * It is a parametrisation, as PyTorch's `torch.nn.utils.parametrizations.spectral_norm`: the layer stays what it is, and its field `weight` becomes an accessor that
 * computes the normalised weight out of `parametrizations.weight.original`, which is the trained parameter, the very one that `weight` was. So any layer can be wrapped whose
 * `forward` takes its weight from the field, without knowing of it; `train()` and `eval()` reach the power iteration, since it is a module inside the layer; and state
 * dicts have PyTorch's names. The price is PyTorch's too: each reading of `layer.weight` computes it anew, so a layer's `forward` should read it once.
 *
 * @param layer a module with a parameter `weight` of two or more axes, such as `Linear`
 * @returns the same layer
 * @throws ShapeError when the weight has fewer than two axes or no elements; ArgumentError when it is normalised already, and for options out of range
 */
export function spectralNorm<L extends Module & { readonly weight: Parameter }>(
  layer: L,
  options: SpectralNormOptions = {},
): L {
  const op = 'spectralNorm';
  if ('parametrizations' in layer) throw new ArgumentError(op, 'the weight of layer is normalised already');
  const { weight } = layer;
  const { nPowerIterations = 1, eps = 1e-12, dim = 0 } = options;
  if (weight.rank < 2 || weight.size === 0)
    throw new ShapeError(op, `weight must have two or more axes and elements, got ${describe(weight)}`);
  if (!(Number.isInteger(dim) && dim >= 0 && dim < weight.rank))
    throw new ArgumentError(op, `dim must be in [0, ${weight.rank}), got ${dim} (weight: ${describe(weight)})`);
  if (!(Number.isInteger(nPowerIterations) && nPowerIterations >= 1))
    throw new ArgumentError(op, `nPowerIterations must be a whole number of at least 1, got ${nPowerIterations}`);
  if (!(eps >= 0)) throw new ArgumentError(op, `eps must be at least 0, got ${eps}`);
  const steps = new PowerIteration(weight, options);
  steps.train(layer.training);
  const parametrizations = new Parametrizations(new Parametrized(weight, steps));
  // Not enumerable, so that the computed weight is not taken for a parameter.
  Object.defineProperty(layer, 'weight', { get: () => steps.forward(weight), enumerable: false, configurable: true });
  return Object.assign(layer, { parametrizations });
}
