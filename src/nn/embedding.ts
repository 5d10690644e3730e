import { equal } from '../ops/compare.ts';
import { embedding } from '../ops/gather.ts';
import { where } from '../ops/where.ts';
import { Rng } from '../random/rng.ts';
import { ArgumentError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { type Init, normal } from './init.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface EmbeddingOptions {
  /** The index of padding: its vector is zeros, whatever the table holds there, and it gets no gradient. */
  readonly paddingIdx?: number;
  /** Where the seed of the first weights comes from; default one of its own, seeded at random. */
  readonly rng?: Rng;
  /** Default normal with deviation 1, as in PyTorch. */
  readonly init?: Init;
}

/** A table of vectors, looked up by index. Loads PyTorch's `nn.Embedding` as it is. */
export class Embedding extends Module {
  /** f32[count, dim] */
  readonly weight: Parameter;
  readonly paddingIdx: number | null;

  /** @param count the number of indices, V @param dim the size of a vector, D */
  constructor(gpu: Gpu, count: number, dim: number, options: EmbeddingOptions = {}) {
    super();
    const { paddingIdx = null, rng = new Rng(), init = normal(1) } = options;
    if (paddingIdx !== null && !(Number.isInteger(paddingIdx) && paddingIdx >= 0 && paddingIdx < count)) {
      throw new ArgumentError('Embedding', `paddingIdx must be in [0, ${count}), got ${paddingIdx}`);
    }
    this.paddingIdx = paddingIdx;
    this.weight = parameter(init(gpu, [count, dim], rng));
  }

  /** @param indices any shape, i32 or u32; one out of range gives zeros @returns indices.shape + [dim] */
  forward(indices: Tensor): Tensor {
    if (this.paddingIdx === null) return embedding(this.weight, indices);
    const [outside = 0] = this.weight.shape;
    return embedding(this.weight, where(equal(indices, this.paddingIdx), outside, indices));
  }
}
