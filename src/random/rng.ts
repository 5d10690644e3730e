import { ArgumentError } from '../runtime/errors.ts';
import { philox4x32, split64 } from './philox.ts';

/**
 * Hands out seeds of independent streams, in a fixed order from a seed of its own. Layers take one as the option `rng` and draw a seed for
 * each of their parameters: a model built with `new Rng(1)` has the same first weights wherever it is built.
 */
export class Rng {
  readonly seed: number;
  /** How many seeds have been handed out. May be set, to go on from there. */
  drawn = 0;

  /** @param seed a whole number in [0, 2^53); default one from the system's entropy, to be read as `seed` */
  constructor(seed: number = fromEntropy()) {
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new ArgumentError('Rng', `seed must be a whole number in [0, 2^53), got ${seed}`);
    this.seed = seed;
  }

  /** The next seed, a whole number in [0, 2^53). */
  next(): number {
    // No stream of elements has this fourth word.
    const [low, high] = philox4x32([...split64(this.drawn++), 0, 0xffffffff], split64(this.seed));
    return (high >>> 11) * 2 ** 32 + low;
  }
}

function fromEntropy(): number {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
}
