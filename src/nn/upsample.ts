import { type ResizeOptions, resize } from '../ops/resample/resize.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

export interface UpsampleOptions extends Pick<ResizeOptions, 'size' | 'mode' | 'alignCorners' | 'layout'> {
  /** How many times as many outputs: `scale` of `resize`; this or `size`. */
  readonly scaleFactor?: NonNullable<ResizeOptions['scale']>;
}

/** `resize` as a layer, PyTorch's Upsample: `new Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners })`; of any rank that `resize` takes. */
export class Upsample extends Module {
  readonly #options: ResizeOptions;

  constructor({ scaleFactor, ...options }: UpsampleOptions) {
    super();
    this.#options = scaleFactor === undefined ? options : { ...options, scale: scaleFactor };
  }

  /** What `resize` returns for x. */
  forward(x: Tensor): Tensor {
    return resize(x, this.#options);
  }
}
