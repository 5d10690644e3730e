// Pooling as layers: the ops of src/ops/pool with their options fixed, by PyTorch's names.
import {
  type AdaptiveOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  type MaxPoolResult,
  type MaxUnpoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type OutputSize,
  type WindowOptions,
} from '../ops/pool/index.ts';
import type { PerDimension } from '../ops/windows.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** A layer without weights: an op with its options fixed. */
export interface PoolLayer<Args extends unknown[] = [x: Tensor], Out = Tensor> extends Module {
  /** What the op of the layer's name returns. */
  forward(...args: Args): Out;
}

/** The options of an op but those that a layer takes by position. */
type Rest<Options> = Omit<Options, 'kernelSize' | 'p'>;
type WithIndices<Options> = Rest<Options> & { readonly returnIndices: true };

interface MaxPoolLayer {
  new (kernelSize: PerDimension, options: WithIndices<MaxPoolOptions>): PoolLayer<[x: Tensor], MaxPoolResult>;
  new (kernelSize: PerDimension, options?: Rest<MaxPoolOptions>): PoolLayer;
}
type AvgPoolLayer = new (kernelSize: PerDimension, options?: Rest<AvgPoolOptions>) => PoolLayer;
type LPPoolLayer = new (normType: number, kernelSize: PerDimension, options?: Rest<WindowOptions>) => PoolLayer;
type AdaptiveAvgPoolLayer = new (outputSize: OutputSize, options?: AdaptiveOptions) => PoolLayer;
interface AdaptiveMaxPoolLayer {
  new (outputSize: OutputSize, options: WithIndices<AdaptiveOptions>): PoolLayer<[x: Tensor], MaxPoolResult>;
  new (outputSize: OutputSize, options?: AdaptiveOptions): PoolLayer;
}
/** `forward` takes the sizes of one call, as in PyTorch, since windows of several sizes give the same output. */
type MaxUnpoolLayer = new (
  kernelSize: PerDimension,
  options?: Omit<Rest<MaxUnpoolOptions>, 'outputSize'>,
) => PoolLayer<[x: Tensor, indices: Tensor, options?: Pick<MaxUnpoolOptions, 'outputSize'>]>;

/** The class of layers whose constructor takes `Fixed` and whose `forward` is `run` with them. */
function layer<Fixed extends unknown[], Args extends unknown[], Out>(run: (fixed: Fixed, ...args: Args) => Out) {
  return class extends Module {
    readonly #fixed: Fixed;

    constructor(...fixed: Fixed) {
      super();
      this.#fixed = fixed;
    }

    forward(...args: Args): Out {
      return run(this.#fixed, ...args);
    }
  };
}

const windowed = <Options, Out>(op: (x: Tensor, options: Options & { kernelSize: PerDimension }) => Out) =>
  layer(([kernelSize, options]: [kernelSize: PerDimension, options?: Options], x: Tensor) =>
    op(x, { ...(options as Options), kernelSize }),
  );

const normed = (op: typeof lpPool1d) =>
  layer(([p, kernelSize, options]: [p: number, kernelSize: PerDimension, options?: Rest<WindowOptions>], x: Tensor) =>
    op(x, { ...options, kernelSize, p }),
  );

const adaptive = <Options, Out>(op: (x: Tensor, outputSize: OutputSize, options?: Options) => Out) =>
  layer(([size, options]: [outputSize: OutputSize, options?: Options], x: Tensor) => op(x, size, options));

/** What comes back of maxima depends on `returnIndices`, which the types of the constructors say. */
const maximal = (op: typeof maxPool1d) => windowed<Rest<MaxPoolOptions>, Tensor | MaxPoolResult>(op) as MaxPoolLayer;
const adaptiveMaximal = (op: typeof adaptiveMaxPool1d) =>
  adaptive<AdaptiveOptions, Tensor | MaxPoolResult>(op) as AdaptiveMaxPoolLayer;

const unpooled = (op: typeof maxUnpool1d): MaxUnpoolLayer =>
  layer(
    (
      [kernelSize, options]: [kernelSize: PerDimension, options?: Rest<MaxUnpoolOptions>],
      x: Tensor,
      indices: Tensor,
      sizes?: Pick<MaxUnpoolOptions, 'outputSize'>,
    ) => op(x, indices, { ...options, ...sizes, kernelSize }),
  );

/** `maxPool1d` as a layer: `new MaxPool1d(kernelSize, { stride, padding, dilation, returnIndices, ceilMode })`. */
export const MaxPool1d = /* @__PURE__ */ maximal(maxPool1d);
/** `maxPool2d` as a layer; see `MaxPool1d`. */
export const MaxPool2d = /* @__PURE__ */ maximal(maxPool2d);
/** `maxPool3d` as a layer; see `MaxPool1d`. */
export const MaxPool3d = /* @__PURE__ */ maximal(maxPool3d);

/** `avgPool1d` as a layer: `new AvgPool1d(kernelSize, { stride, padding, ceilMode, countIncludePad, divisorOverride })`. */
export const AvgPool1d: AvgPoolLayer = /* @__PURE__ */ windowed<Rest<AvgPoolOptions>, Tensor>(avgPool1d);
/** `avgPool2d` as a layer; see `AvgPool1d`. */
export const AvgPool2d: AvgPoolLayer = /* @__PURE__ */ windowed<Rest<AvgPoolOptions>, Tensor>(avgPool2d);
/** `avgPool3d` as a layer; see `AvgPool1d`. */
export const AvgPool3d: AvgPoolLayer = /* @__PURE__ */ windowed<Rest<AvgPoolOptions>, Tensor>(avgPool3d);

/** `lpPool1d` as a layer: `new LPPool1d(normType, kernelSize, { stride, ceilMode })`. */
export const LPPool1d: LPPoolLayer = /* @__PURE__ */ normed(lpPool1d);
/** `lpPool2d` as a layer; see `LPPool1d`. */
export const LPPool2d: LPPoolLayer = /* @__PURE__ */ normed(lpPool2d);
/** `lpPool3d` as a layer; see `LPPool1d`. */
export const LPPool3d: LPPoolLayer = /* @__PURE__ */ normed(lpPool3d);

/** `adaptiveAvgPool1d` as a layer: `new AdaptiveAvgPool1d(outputSize)`. */
export const AdaptiveAvgPool1d: AdaptiveAvgPoolLayer = /* @__PURE__ */ adaptive(adaptiveAvgPool1d);
/** `adaptiveAvgPool2d` as a layer; see `AdaptiveAvgPool1d`. */
export const AdaptiveAvgPool2d: AdaptiveAvgPoolLayer = /* @__PURE__ */ adaptive(adaptiveAvgPool2d);
/** `adaptiveAvgPool3d` as a layer; see `AdaptiveAvgPool1d`. */
export const AdaptiveAvgPool3d: AdaptiveAvgPoolLayer = /* @__PURE__ */ adaptive(adaptiveAvgPool3d);

/** `adaptiveMaxPool1d` as a layer: `new AdaptiveMaxPool1d(outputSize, { returnIndices })`. */
export const AdaptiveMaxPool1d = /* @__PURE__ */ adaptiveMaximal(adaptiveMaxPool1d);
/** `adaptiveMaxPool2d` as a layer; see `AdaptiveMaxPool1d`. */
export const AdaptiveMaxPool2d = /* @__PURE__ */ adaptiveMaximal(adaptiveMaxPool2d);
/** `adaptiveMaxPool3d` as a layer; see `AdaptiveMaxPool1d`. */
export const AdaptiveMaxPool3d = /* @__PURE__ */ adaptiveMaximal(adaptiveMaxPool3d);

/** `maxUnpool1d` as a layer: `new MaxUnpool1d(kernelSize, { stride, padding })`, `forward(x, indices, { outputSize })`. */
export const MaxUnpool1d: MaxUnpoolLayer = /* @__PURE__ */ unpooled(maxUnpool1d);
/** `maxUnpool2d` as a layer; see `MaxUnpool1d`. */
export const MaxUnpool2d: MaxUnpoolLayer = /* @__PURE__ */ unpooled(maxUnpool2d);
/** `maxUnpool3d` as a layer; see `MaxUnpool1d`. */
export const MaxUnpool3d: MaxUnpoolLayer = /* @__PURE__ */ unpooled(maxUnpool3d);
