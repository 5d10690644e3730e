import { full } from '../ops/create.ts';
import { batchNorm } from '../ops/norm/batch_norm.ts';
import { advance } from '../ops/random.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { checkFeatures } from './features.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

export interface BatchNormLayerOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** How much of a batch's statistics goes into the running ones, or null for their mean over all batches; default 0.1. */
  readonly momentum?: number | null;
  /** Whether there are a weight (ones at first) and a bias (zeros); default true. */
  readonly affine?: boolean;
  /** Whether there are running statistics, to be used in evaluation; without, a batch's own are used there too. Default true. */
  readonly trackRunningStats?: boolean;
}

/**
 * What the three share. In training they normalise by the statistics of the batch, which they mix into the running ones, on the device and on no
 * tape; in evaluation by the running ones. The fields have PyTorch's names, so that state dicts go both ways; those that are not trained
 * are parameters with `trainable` false, which optimisers pass by.
 */
abstract class BatchNorm extends Module {
  /** f32[numFeatures] */
  readonly weight: Parameter | null;
  /** f32[numFeatures] */
  readonly bias: Parameter | null;
  /** f32[numFeatures], zeros at first; not trained. */
  readonly running_mean: Parameter | null;
  /** f32[numFeatures], ones at first; not trained. */
  readonly running_var: Parameter | null;
  /** u32[]: how many batches the running statistics have seen. */
  readonly num_batches_tracked: Parameter | null;
  readonly eps: number;
  readonly momentum: number | null;
  readonly numFeatures: number;
  readonly #name: string;
  readonly #axes: readonly number[];

  constructor(name: string, axes: readonly number[], gpu: Gpu, numFeatures: number, options: BatchNormLayerOptions) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    const shape = [numFeatures];
    const state = (t: Tensor) => parameter(t, { trainable: false });
    this.weight = affine ? parameter(full(gpu, shape, 1)) : null;
    this.bias = affine ? parameter(gpu.zeros(shape)) : null;
    this.running_mean = trackRunningStats ? state(gpu.zeros(shape)) : null;
    this.running_var = trackRunningStats ? state(full(gpu, shape, 1)) : null;
    this.num_batches_tracked = trackRunningStats ? state(gpu.zeros([], 'u32')) : null;
    this.eps = eps;
    this.momentum = momentum;
    this.numFeatures = numFeatures;
    this.#name = name;
    this.#axes = axes;
  }

  /**
   * @param x [N, numFeatures, ...] with the axes in the class's name (for BatchNorm1d also none)
   * @returns a tensor like x
   * @throws ShapeError, also for one value a channel in training
   */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps, momentum, numFeatures } = this;
    const { running_mean: runningMean, running_var: runningVar } = this;
    checkFeatures(this.#name, x, numFeatures, this.#axes);
    const training = this.training || !runningMean;
    const mixing = momentum === null ? { batches: this.num_batches_tracked } : { momentum };
    const y = batchNorm(x, { weight, bias, runningMean, runningVar, training, ...mixing, eps });
    if (training && this.num_batches_tracked) {
      using count = this.num_batches_tracked.reinterpret('u32', [1]);
      advance(count);
    }
    return y;
  }
}

/** Batch normalisation of [N, C] or [N, C, W]; see the op `batchNorm`. Loads PyTorch's `nn.BatchNorm1d` as it is. */
export class BatchNorm1d extends BatchNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm1d', [0, 1], gpu, numFeatures, options);
  }
}

/** Batch normalisation of [N, C, H, W]; see the op `batchNorm`. Loads PyTorch's `nn.BatchNorm2d` as it is. */
export class BatchNorm2d extends BatchNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm2d', [2], gpu, numFeatures, options);
  }
}

/** Batch normalisation of [N, C, D, H, W]; see the op `batchNorm`. Loads PyTorch's `nn.BatchNorm3d` as it is. */
export class BatchNorm3d extends BatchNorm {
  /** @param numFeatures the channels, C */
  constructor(gpu: Gpu, numFeatures: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm3d', [3], gpu, numFeatures, options);
  }
}
