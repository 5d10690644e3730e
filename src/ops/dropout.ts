import { record } from '../autograd/tape.ts';
import { dropoutVec4, dropout as scalar } from '../generated/kernels.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkFloat, checkOptions } from './check.ts';
import { locate, type Stream, withState } from './random.ts';

export interface DropoutOptions extends Stream {
  /** The probability of dropping an element, in [0, 1). */
  readonly p: number;
  /** False: x as it is. Default true. */
  readonly training?: boolean;
}

/**
 * Zeroes each element with probability p and divides the others by 1 - p (inverted dropout: the expectation stays). Which ones, (seed,
 * offset, state) say: the mask is not stored but drawn again in the backward pass, so `state` must not change in between.
 *
 * @param x       any shape, f32 or f16
 * @param options `p`, and which stream: for fresh masks in each step, count `offset` up by x.size or give a `state`
 * @returns x itself for p = 0 or when not training, else a tensor like x; what is dropped is 0 even where x is NaN
 * @throws ArgumentError when p is not in [0, 1)
 * @see Srivastava et al.: Dropout: a simple way to prevent neural networks from overfitting (JMLR 2014)
 */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  checkFloat('dropout', 'x', x);
  checkOptions('dropout', options, 'p and seed');
  const { p, training = true } = options;
  if (!(p >= 0 && p < 1)) throw new ArgumentError('dropout', `p must be in [0, 1), got ${p}`);
  const { quads, ...where } = locate('dropout', options, x.size);
  if (p === 0 || !training) return x;
  const y = x.gpu.empty(x.shape, x.dtype, 'dropout');
  const threshold = Math.min(Math.round(p * 2 ** 32), 2 ** 32 - 1);
  const kernel = x.size % 4 === 0 && where.shift === 0 ? dropoutVec4 : scalar;
  withState('dropout', x.gpu, options.state, (state, constants) => {
    dispatch(x.gpu, kernel, { state, x, y }, { ...where, threshold, scale: 1 / (1 - p) }, grid(quads, 256), constants);
  });
  record({
    op: 'dropout',
    inputs: [x],
    outputs: [y],
    saved: options.state ? [options.state] : [],
    backward: ([dy], [state]) => [dropout(dy as Tensor, { ...options, state })],
    plain: 'composed',
  });
  return y;
}
