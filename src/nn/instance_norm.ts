import { full } from '../ops/create.ts';
import { instanceNorm } from '../ops/norm/group_norm.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { checkFeatures } from './features.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface InstanceNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Whether there are a weight (ones at first) and a bias (zeros); default false. */
  readonly affine?: boolean;
}

/** What the three share: each channel of each image by its own statistics, in training and in evaluation. */
abstract class InstanceNorm extends Module {
  /** f32[numFeatures] */
  readonly weight: Parameter | null;
  /** f32[numFeatures] */
  readonly bias: Parameter | null;
  readonly eps: number;
  readonly numFeatures: number;
  readonly #name: string;
  readonly #axes: number;

  constructor(name: string, axes: number, gpu: Gpu, numFeatures: number, options: InstanceNormLayerOptions) {
    super();
    const { eps = 1e-5, affine = false } = options;
    this.weight = affine ? parameter(full(gpu, [numFeatures], 1)) : null;
    this.bias = affine ? parameter(gpu.zeros([numFeatures])) : null;
    this.eps = eps;
    this.numFeatures = numFeatures;
    this.#name = name;
    this.#axes = axes;
  }

  /**
   * @param x [N, numFeatures, ...] with the axes in the class's name
   * @returns a tensor like x
   * @throws ShapeError
   */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps, numFeatures } = this;
    checkFeatures(this.#name, x, numFeatures, [this.#axes]);
    return instanceNorm(x, { weight, bias, eps });
  }
}

/** Instance normalisation of [N, C, W]; see the op `instanceNorm`. Loads PyTorch's `nn.InstanceNorm1d` without running statistics as it is. */
export class InstanceNorm1d extends InstanceNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super('InstanceNorm1d', 1, gpu, numFeatures, options);
  }
}

/** Instance normalisation of [N, C, H, W]; see the op `instanceNorm`. Loads PyTorch's `nn.InstanceNorm2d` without running statistics as it is. */
export class InstanceNorm2d extends InstanceNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super('InstanceNorm2d', 2, gpu, numFeatures, options);
  }
}

/** Instance normalisation of [N, C, D, H, W]; see the op `instanceNorm`. Loads PyTorch's `nn.InstanceNorm3d` without running statistics as it is. */
export class InstanceNorm3d extends InstanceNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: InstanceNormLayerOptions = {}) {
    super('InstanceNorm3d', 3, gpu, numFeatures, options);
  }
}
