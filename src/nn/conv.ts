import { type Shape, sizeOf } from '../host.ts';
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../ops/conv/index.ts';
import type { PerDimension } from '../ops/windows.ts';
import { Rng } from '../random/rng.ts';
import { ArgumentError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Tensor } from '../tensor.ts';
import { fanInUniform, type Init, uniform } from './init.ts';
import { Module } from './module.ts';
import { type Parameter, parameter } from './parameter.ts';

interface First {
  /** Default true. */
  readonly bias?: boolean;
  /** Where the seeds of the first weights come from; default one of its own, seeded at random. */
  readonly rng?: Rng;
  /** Default `fanInUniform`, as in PyTorch. */
  readonly init?: Init;
  /** Default uniform within 1 / sqrt(fan-in of the weight), as in PyTorch. */
  readonly biasInit?: Init;
}
export interface ConvLayerOptions extends Omit<ConvOptions, 'bias' | 'plan'>, First {}
export interface ConvTransposeLayerOptions extends Omit<ConvTransposeOptions, 'bias' | 'plan'>, First {}

/** [first, second / groups, taps...]; a kernel size of one number is that of all dimensions. */
function weightShape(name: string, dims: number, first: number, second: number, kernelSize: PerDimension, groups = 1) {
  const taps = typeof kernelSize === 'number' ? Array<number>(dims).fill(kernelSize) : kernelSize;
  if (taps.length !== dims || taps.some((n) => !Number.isInteger(n) || n < 1))
    throw new ArgumentError(
      name,
      `kernelSize must be a whole number of at least 1, or ${dims} of them, got ${JSON.stringify(kernelSize)}`,
    );
  if (!(Number.isInteger(groups) && groups >= 1 && first % groups === 0 && second % groups === 0))
    throw new ArgumentError(name, `groups must divide both numbers of channels, ${first} and ${second}, got ${groups}`);
  return [first, second / groups, ...taps];
}

type Op = (x: Tensor, weight: Tensor, bias: Tensor | null) => Tensor;

/** What all of these layers share. */
abstract class Convolution extends Module {
  /** f32[outChannels, inChannels / groups, ...taps]; of the transposed ones f32[inChannels, outChannels / groups, ...taps] */
  readonly weight: Parameter;
  /** f32[outChannels] */
  readonly bias: Parameter | null;
  readonly #op: Op;

  constructor(gpu: Gpu, shape: Shape, outChannels: number, first: First, op: Op) {
    super();
    const bound = 1 / Math.sqrt(Math.max(1, sizeOf(shape.slice(1))));
    const { bias = true, rng = new Rng(), init = fanInUniform, biasInit = uniform(-bound, bound) } = first;
    this.weight = parameter(init(gpu, shape, rng));
    this.bias = bias ? parameter(biasInit(gpu, [outChannels], rng)) : null;
    this.#op = op;
  }

  /** @param x images of inChannels, as the op takes them @returns images of outChannels */
  forward(x: Tensor): Tensor {
    return this.#op(x, this.weight, this.bias);
  }
}

/** `conv1d` with a weight of its own. Loads PyTorch's `nn.Conv1d` as it is. */
export class Conv1d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    const shape = weightShape('Conv1d', 1, outChannels, inChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => conv1d(x, weight, { ...options, bias }));
  }
}

/** `conv2d` with a weight of its own. Loads PyTorch's `nn.Conv2d` as it is. */
export class Conv2d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    const shape = weightShape('Conv2d', 2, outChannels, inChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => conv2d(x, weight, { ...options, bias }));
  }
}

/** `conv3d` with a weight of its own. Loads PyTorch's `nn.Conv3d` as it is. */
export class Conv3d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    const shape = weightShape('Conv3d', 3, outChannels, inChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => conv3d(x, weight, { ...options, bias }));
  }
}

/** `convTranspose1d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose1d` as it is. */
export class ConvTranspose1d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    const shape = weightShape('ConvTranspose1d', 1, inChannels, outChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => convTranspose1d(x, weight, { ...options, bias }));
  }
}

/** `convTranspose2d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose2d` as it is. */
export class ConvTranspose2d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    const shape = weightShape('ConvTranspose2d', 2, inChannels, outChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => convTranspose2d(x, weight, { ...options, bias }));
  }
}

/** `convTranspose3d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose3d` as it is. */
export class ConvTranspose3d extends Convolution {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    const shape = weightShape('ConvTranspose3d', 3, inChannels, outChannels, kernelSize, options.groups);
    super(gpu, shape, outChannels, options, (x, weight, bias) => convTranspose3d(x, weight, { ...options, bias }));
  }
}
