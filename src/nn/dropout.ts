import { dropout } from '../ops/dropout.ts';
import { Rng } from '../random/rng.ts';
import { ArgumentError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

export interface DropoutLayerOptions {
  /** Where the seed comes from; default one of its own, seeded at random. */
  readonly rng?: Rng;
  /** u32[1] on the device, such as an optimiser's `steps`: picks other masks when it changes (see `dropout`). */
  readonly state?: Tensor;
}

/** Zeroes elements with probability p in training and leaves x as it is in evaluation; see `dropout`. */
export class Dropout extends Module {
  readonly p: number;
  readonly seed: number;
  readonly state: Tensor | undefined;
  /** How many elements of the seed's stream are used up: each call takes the next ones. Set it to repeat, or to go on after a checkpoint. */
  offset = 0;

  /** @param p the probability of dropping an element, in [0, 1); default 0.5 */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super();
    if (!(p >= 0 && p < 1)) throw new ArgumentError('Dropout', `p must be in [0, 1), got ${p}`);
    this.p = p;
    this.seed = (options.rng ?? new Rng()).next();
    this.state = options.state;
  }

  /** @param x any shape, f32 or f16 */
  forward(x: Tensor): Tensor {
    const { p, seed, offset, state, training } = this;
    if (training) this.offset += Math.ceil(x.size / 4) * 4; // whole blocks of the generator, which are faster
    return dropout(x, { p, seed, offset, state, training });
  }
}
