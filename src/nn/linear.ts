import { describe } from '../host.ts';
import { matmul } from '../ops/matmul.ts';
import { Rng } from '../random/rng.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { fanInUniform, type Init, uniform } from './init.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Where the seeds of the first weights come from; default one of its own, seeded at random. */
  readonly rng?: Rng;
  /** Default `fanInUniform`, as in PyTorch. */
  readonly init?: Init;
  /** Default uniform within 1 / sqrt(inFeatures), as in PyTorch. */
  readonly biasInit?: Init;
}

/** y = x weight^T + bias. Loads PyTorch's `nn.Linear` as it is. */
export class Linear extends Module {
  /** f32[outFeatures, inFeatures] */
  readonly weight: Parameter;
  /** f32[outFeatures] */
  readonly bias: Parameter | null;

  constructor(gpu: Gpu, inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const bound = 1 / Math.sqrt(Math.max(1, inFeatures));
    const { bias = true, rng = new Rng(), init = fanInUniform, biasInit = uniform(-bound, bound) } = options;
    this.weight = parameter(init(gpu, [outFeatures, inFeatures], rng));
    this.bias = bias ? parameter(biasInit(gpu, [outFeatures], rng)) : null;
  }

  /** @param x [..., inFeatures] @returns [..., outFeatures] */
  forward(x: Tensor): Tensor {
    const { weight, bias } = this;
    const [, inFeatures] = weight.shape;
    if (x.shape.at(-1) !== inFeatures)
      throw new ShapeError('Linear', `x must have shape [..., ${inFeatures}], got ${describe(x)}`);
    return matmul(x, weight, { transposeB: true, ...(bias && { bias }) });
  }
}
