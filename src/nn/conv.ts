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

/** The first values that both kinds of layers give their parameters. */
function firstValues(gpu: Gpu, shape: Shape, outChannels: number, { bias = true, rng = new Rng(), ...options }: First) {
  const bound = 1 / Math.sqrt(Math.max(1, sizeOf(shape.slice(1))));
  const { init = fanInUniform, biasInit = uniform(-bound, bound) } = options;
  return { weight: parameter(init(gpu, shape, rng)), bias: bias ? parameter(biasInit(gpu, [outChannels], rng)) : null };
}

type Dims = 1 | 2 | 3;
const CONVS = { 1: conv1d, 2: conv2d, 3: conv3d } as const;
const TRANSPOSED = { 1: convTranspose1d, 2: convTranspose2d, 3: convTranspose3d } as const;

/** What Conv1d, Conv2d and Conv3d share. */
abstract class Conv extends Module {
  /** f32[outChannels, inChannels / groups, ...taps] */
  readonly weight: Parameter;
  /** f32[outChannels] */
  readonly bias: Parameter | null;
  readonly #dims: Dims;
  readonly #options: ConvLayerOptions;

  constructor(
    dims: Dims,
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions,
  ) {
    super();
    const shape = weightShape(`Conv${dims}d`, dims, outChannels, inChannels, kernelSize, options.groups);
    const { weight, bias } = firstValues(gpu, shape, outChannels, options);
    this.weight = weight;
    this.bias = bias;
    this.#dims = dims;
    this.#options = options;
  }

  /** @param x images of inChannels, as the op takes them @returns images of outChannels */
  forward(x: Tensor): Tensor {
    return CONVS[this.#dims](x, this.weight, { ...this.#options, bias: this.bias });
  }
}

/** What ConvTranspose1d, ConvTranspose2d and ConvTranspose3d share. */
abstract class ConvTranspose extends Module {
  /** f32[inChannels, outChannels / groups, ...taps] */
  readonly weight: Parameter;
  /** f32[outChannels] */
  readonly bias: Parameter | null;
  readonly #dims: Dims;
  readonly #options: ConvTransposeLayerOptions;

  constructor(
    dims: Dims,
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions,
  ) {
    super();
    const shape = weightShape(`ConvTranspose${dims}d`, dims, inChannels, outChannels, kernelSize, options.groups);
    const { weight, bias } = firstValues(gpu, shape, outChannels, options);
    this.weight = weight;
    this.bias = bias;
    this.#dims = dims;
    this.#options = options;
  }

  /** @param x images of inChannels, as the op takes them @returns images of outChannels */
  forward(x: Tensor): Tensor {
    return TRANSPOSED[this.#dims](x, this.weight, { ...this.#options, bias: this.bias });
  }
}

/** `conv1d` with a weight of its own. Loads PyTorch's `nn.Conv1d` as it is. */
export class Conv1d extends Conv {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    super(1, gpu, inChannels, outChannels, kernelSize, options);
  }
}

/** `conv2d` with a weight of its own. Loads PyTorch's `nn.Conv2d` as it is. */
export class Conv2d extends Conv {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    super(2, gpu, inChannels, outChannels, kernelSize, options);
  }
}

/** `conv3d` with a weight of its own. Loads PyTorch's `nn.Conv3d` as it is. */
export class Conv3d extends Conv {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvLayerOptions = {},
  ) {
    super(3, gpu, inChannels, outChannels, kernelSize, options);
  }
}

/** `convTranspose1d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose1d` as it is. */
export class ConvTranspose1d extends ConvTranspose {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(1, gpu, inChannels, outChannels, kernelSize, options);
  }
}

/** `convTranspose2d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose2d` as it is. */
export class ConvTranspose2d extends ConvTranspose {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(2, gpu, inChannels, outChannels, kernelSize, options);
  }
}

/** `convTranspose3d` with a weight of its own. Loads PyTorch's `nn.ConvTranspose3d` as it is. */
export class ConvTranspose3d extends ConvTranspose {
  /** @param options stride, padding, dilation, groups, layout and activation as for the op; `bias` (default true), and how the first values are made */
  constructor(
    gpu: Gpu,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDimension,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(3, gpu, inChannels, outChannels, kernelSize, options);
  }
}
