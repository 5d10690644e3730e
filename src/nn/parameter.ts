import { keep } from '../runtime/scope.ts';
import { Tensor } from '../tensor.ts';

/** A tensor that a module owns: what its fields hold to be found by `parameters()` and `stateDict()`. */
export class Parameter extends Tensor {
  /** False for state that is saved and loaded but not trained, such as running statistics, and for weights that are frozen. */
  trainable = true;
}

/**
 * Makes a parameter out of `t`, whose memory it takes over: `t` is disposed. It lives until it is disposed, whatever scope it is made in.
 *
 * @param options `trainable`, default true
 */
export function parameter(t: Tensor, options: { readonly trainable?: boolean } = {}): Parameter {
  const p = keep(new Parameter(t.gpu, t.storage.retain(), t.byteOffset, t.shape, t.dtype));
  p.trainable = options.trainable ?? true;
  t.dispose();
  return p;
}
