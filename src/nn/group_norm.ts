import { describe } from '../host.ts';
import { full } from '../ops/create.ts';
import { groupNorm } from '../ops/norm/group_norm.ts';
import { ArgumentError, ShapeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface GroupNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Whether there are a weight (ones at first) and a bias (zeros); default true. */
  readonly affine?: boolean;
}

/** Group normalisation; see the op `groupNorm`. Loads PyTorch's `nn.GroupNorm` as it is. */
export class GroupNorm extends Module {
  /** f32[numChannels] */
  readonly weight: Parameter | null;
  /** f32[numChannels] */
  readonly bias: Parameter | null;
  readonly eps: number;
  readonly numGroups: number;
  readonly numChannels: number;

  /**
   * @param numGroups   a divisor of numChannels
   * @param numChannels C
   * @throws ArgumentError when numGroups does not divide numChannels
   */
  constructor(gpu: Gpu, numGroups: number, numChannels: number, options: GroupNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, affine = true } = options;
    if (!(numGroups >= 1 && numChannels % numGroups === 0))
      throw new ArgumentError('GroupNorm', `numGroups must divide numChannels, got ${numGroups} and ${numChannels}`);
    this.weight = affine ? parameter(full(gpu, [numChannels], 1)) : null;
    this.bias = affine ? parameter(gpu.zeros([numChannels])) : null;
    this.eps = eps;
    this.numGroups = numGroups;
    this.numChannels = numChannels;
  }

  /** @param x [N, numChannels, ...] @returns a tensor like x */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps, numGroups, numChannels } = this;
    if (x.shape[1] !== numChannels)
      throw new ShapeError('GroupNorm', `x must have shape [N, ${numChannels}, ...], got ${describe(x)}`);
    return groupNorm(x, numGroups, { weight, bias, eps });
  }
}
