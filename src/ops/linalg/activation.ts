import { unaryBackward, unary as unaryKernel } from '../../generated/kernels.ts';
import { ArgumentError } from '../../runtime/errors.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { gelu, relu, sigmoid, silu, tanh } from '../unary.ts';

export const ACTIVATIONS = {
  none: 'NONE',
  relu: 'RELU',
  tanh: 'TANH',
  sigmoid: 'SIGMOID',
  gelu: 'GELU',
  silu: 'SILU',
} as const;

/** What products can apply to their result; `gelu` is the exact one. */
export type Activation = keyof typeof ACTIVATIONS;

/** Throws unless there is such an activation. */
export function checkActivation(op: string, activation: Activation): void {
  if (!Object.hasOwn(ACTIVATIONS, activation))
    throw new ArgumentError(op, `activation must be one of ${Object.keys(ACTIVATIONS).join(', ')}, got ${activation}`);
}

/** Whether the gradient needs the argument of the activation, not its result. */
export const needsArgument = (activation: Activation) => activation === 'gelu' || activation === 'silu';

/** The activation as an op of its own. */
export function activate(activation: Activation, x: Tensor): Tensor {
  const f = { none: (x: Tensor) => x, relu, tanh, sigmoid, gelu: (x: Tensor) => gelu(x), silu }[activation];
  return f(x);
}

/** dy f'(x), from f(x) for those whose derivative it gives, else from x itself: `kept` is whichever it is. */
export function throughActivation(dy: Tensor, kept: Tensor, activation: Activation): Tensor {
  const op = ACTIVATIONS[activation];
  if (op === 'NONE') return dy;
  const { size, gpu } = dy;
  const dx = gpu.empty(dy.shape, dy.dtype, 'activation');
  const constants = { OP: unaryKernel.ops[op] };
  dispatch(gpu, unaryBackward, { dy, x: kept, dx }, { size, a: 0, b: 0 }, grid(size, 1024), constants);
  return dx;
}
