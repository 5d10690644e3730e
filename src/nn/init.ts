import { type Shape, sizeOf } from '../host.ts';
import { randn, uniform as uniformOp } from '../ops/random.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';

/**
 * A device and a seeded stream of random numbers, which layers draw their first weights from, one after the other: the same seed and the
 * same order of construction give the same weights, on every adapter.
 */
export class Rng {
  readonly gpu: Gpu;
  readonly seed: number;
  #offset = 0;

  /** @param seed a whole number in [0, 2^53) */
  constructor(gpu: Gpu, seed: number) {
    this.gpu = gpu;
    this.seed = seed;
  }

  /** The next `size` numbers of the stream. */
  take(size: number): { readonly seed: number; readonly offset: number } {
    const offset = this.#offset;
    this.#offset += Math.ceil(size / 4) * 4;
    return { seed: this.seed, offset };
  }
}

/** First weights of a given shape. */
export type Initializer = (rng: Rng, shape: Shape) => Tensor;

/** The fans of a weight [out, in, ...rest]: in and out times the rest (a convolution's window). */
function fans(name: string, shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) throw new ShapeError(name, `needs a weight of at least 2 dimensions, got [${shape.join(', ')}]`);
  const [out, inner, ...rest] = shape as [number, number, ...number[]];
  return { fanIn: inner * sizeOf(rest), fanOut: out * sizeOf(rest) };
}

/** Uniform numbers in [low, high). */
export const uniform = (low: number, high: number): Initializer => (rng, shape) => uniformOp(rng.gpu, shape, { ...rng.take(sizeOf(shape)), low, high });

/** Normal numbers of mean 0. */
export const normal = (std: number): Initializer => (rng, shape) => randn(rng.gpu, shape, { ...rng.take(sizeOf(shape)), std });

/** Zeros. */
export const zeros: Initializer = (rng, shape) => rng.gpu.zeros(shape);

/** Uniform in +-sqrt(6 / (fanIn + fanOut)). Glorot and Bengio 2010. */
export const glorotUniform: Initializer = (rng, shape) => {
  const { fanIn, fanOut } = fans('glorotUniform', shape);
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return uniform(-bound, bound)(rng, shape);
};

/** Normal with variance 2 / (fanIn + fanOut). Glorot and Bengio 2010. */
export const glorotNormal: Initializer = (rng, shape) => {
  const { fanIn, fanOut } = fans('glorotNormal', shape);
  return normal(Math.sqrt(2 / (fanIn + fanOut)))(rng, shape);
};

/** Uniform in +-sqrt(6 / fanIn). He et al. 2015, https://arxiv.org/abs/1502.01852. */
export const heUniform: Initializer = (rng, shape) => {
  const bound = Math.sqrt(6 / fans('heUniform', shape).fanIn);
  return uniform(-bound, bound)(rng, shape);
};

/** Normal with variance 2 / fanIn. He et al. 2015, https://arxiv.org/abs/1502.01852. */
export const heNormal: Initializer = (rng, shape) => normal(Math.sqrt(2 / fans('heNormal', shape).fanIn))(rng, shape);
