import type { Shape } from '../host.ts';
import { full } from '../ops/create.ts';
import { layerNorm } from '../ops/norm/layer_norm.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface LayerNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Whether there are a weight (ones at first) and a bias (zeros); default true. */
  readonly affine?: boolean;
  /** Whether there is a bias beside the weight; default true. */
  readonly bias?: boolean;
}

/** Layer normalisation over the last axes; see the op `layerNorm`. Loads PyTorch's `nn.LayerNorm` as it is. */
export class LayerNorm extends Module {
  /** f32[...shape] */
  readonly weight: Parameter | null;
  /** f32[...shape] */
  readonly bias: Parameter | null;
  readonly eps: number;
  readonly shape: Shape;

  /** @param shape the sizes of the last axes, those that are normalised over; a number for the last one alone */
  constructor(gpu: Gpu, shape: number | Shape, options: LayerNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.shape = [shape].flat();
    this.weight = affine ? parameter(full(gpu, this.shape, 1)) : null;
    this.bias = affine && bias ? parameter(gpu.zeros(this.shape)) : null;
    this.eps = eps;
  }

  /** @param x [..., ...shape] @returns a tensor like x */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps, shape } = this;
    return layerNorm(x, { weight, bias, normalizedShape: shape, eps });
  }
}
