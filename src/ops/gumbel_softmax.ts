import { record } from '../autograd/tape.ts';
import { gumbel } from '../generated/kernels.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAxis, checkFloat, checkOptions } from './check.ts';
import { hardmax } from './hardmax.ts';
import { locate, type Stream, withState } from './random.ts';
import { checkTemperature, softmax } from './softmax.ts';

export interface GumbelSoftmaxOptions extends Stream {
  /** What the noisy logits are divided by, > 0: near 0 the result is nearly one-hot; default 1. */
  readonly temperature?: number;
  /** Whether the result is one-hot, with the gradient of the soft sample (straight-through); default false. */
  readonly hard?: boolean;
  /** The axis along which the result sums to 1; default the last. */
  readonly axis?: number;
}

/**
 * A sample of the categorical distribution with logits x, made differentiable: softmax((x + g) / temperature) along an axis, with g = -log(-log(u)) of
 * uniform numbers u.
 *
 * Element i takes word `offset + i` of the stream of `seed`, so that the same call is the same sample on every adapter (soft ones up to a few units in the
 * last place). With `hard` the largest element is 1 and the others are 0. The rest as in `softmax`.
 *
 * Jang, Gu and Poole: Categorical reparameterization with Gumbel-softmax (ICLR 2017), https://arxiv.org/abs/1611.01144.
 *
 * @param x       any shape of rank 1 or more, f32 or f16
 * @param options which stream: `seed`, `offset`, `state`; `temperature`, `hard`, `axis`
 * @returns a tensor like `x`
 * @throws ArgumentError when the axis is out of range, the temperature not a finite number > 0, or seed or offset not whole numbers in range; DTypeError
 */
export function gumbelSoftmax(x: Tensor, options: GumbelSoftmaxOptions): Tensor {
  const op = 'gumbelSoftmax';
  checkFloat(op, 'x', x);
  checkOptions(op, options, 'seed');
  const axis = checkAxis(op, options.axis ?? -1, x);
  const temperature = checkTemperature(op, options.temperature ?? 1);
  return scope(() => {
    const noisy = addNoise(op, x, options);
    const soft = softmax(noisy, { axis, temperature });
    return options.hard ? straightThrough(op, hardmax(noisy, { axis }), soft) : soft;
  });
}

function addNoise(op: string, x: Tensor, stream: Stream): Tensor {
  const { gpu } = x;
  const y = gpu.empty(x.shape, x.dtype, op);
  const { quads, ...where } = locate(op, stream, x.size);
  withState(op, gpu, stream.state, (state, constants) =>
    dispatch(gpu, gumbel, { state, x, y }, where, grid(quads, 256), constants),
  );
  record({ op, inputs: [x], outputs: [y], backward: ([dy]) => [dy as Tensor], plain: 'composed' });
  return y;
}

/** The value of one tensor with the gradient of another. */
function straightThrough(op: string, hard: Tensor, soft: Tensor): Tensor {
  record({ op, inputs: [soft], outputs: [hard], backward: ([dy]) => [dy as Tensor], plain: 'composed' });
  return hard;
}
