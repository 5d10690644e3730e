import { logSoftmax, softmax } from '../ops/softmax.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

export interface SoftmaxLayerOptions {
  /** What x is divided by, > 0; default 1. */
  readonly temperature?: number;
}

/** The op `softmax` as a layer. */
export class Softmax extends Module {
  readonly dim: number;
  readonly temperature: number;

  /** @param dim the axis along which the result sums to 1; default the last */
  constructor(dim = -1, options: SoftmaxLayerOptions = {}) {
    super();
    this.dim = dim;
    this.temperature = options.temperature ?? 1;
  }

  /** @param x rank 1 or more, f32 or f16 @returns a tensor like x */
  forward(x: Tensor): Tensor {
    return softmax(x, { axis: this.dim, temperature: this.temperature });
  }
}

/** The op `logSoftmax` as a layer. */
export class LogSoftmax extends Module {
  readonly dim: number;
  readonly temperature: number;

  /** @param dim the axis along which the exponentials sum to 1; default the last */
  constructor(dim = -1, options: SoftmaxLayerOptions = {}) {
    super();
    this.dim = dim;
    this.temperature = options.temperature ?? 1;
  }

  /** @param x rank 1 or more, f32 or f16 @returns a tensor like x */
  forward(x: Tensor): Tensor {
    return logSoftmax(x, { axis: this.dim, temperature: this.temperature });
  }
}
