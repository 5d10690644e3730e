import type { Shape } from '../host.ts';
import { full } from '../ops/create.ts';
import { rmsNorm } from '../ops/norm/rms_norm.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface RMSNormLayerOptions {
  /** Added to the mean square; default as in the op `rmsNorm`. */
  readonly eps?: number;
  /** Whether there is a weight, ones at first; default true. */
  readonly affine?: boolean;
}

/** Root mean square normalisation over the last axes; see the op `rmsNorm`. Loads PyTorch's `nn.RMSNorm` as it is. */
export class RMSNorm extends Module {
  /** f32[...shape] */
  readonly weight: Parameter | null;
  readonly eps: number | undefined;
  readonly shape: Shape;

  /** @param shape the sizes of the last axes, those that are normalised over; a number for the last one alone */
  constructor(gpu: Gpu, shape: number | Shape, options: RMSNormLayerOptions = {}) {
    super();
    const { eps, affine = true } = options;
    this.shape = [shape].flat();
    this.weight = affine ? parameter(full(gpu, this.shape, 1)) : null;
    this.eps = eps;
  }

  /** @param x [..., ...shape] @returns a tensor like x */
  forward(x: Tensor): Tensor {
    const { weight, eps, shape } = this;
    return rmsNorm(x, { weight, normalizedShape: shape, ...(eps !== undefined && { eps }) });
  }
}
