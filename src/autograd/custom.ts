import { ShapeError } from '../runtime/errors.ts';
import type { Tensor } from '../tensor.ts';
import { noGrad, type Plain, record } from './tape.ts';

export interface CustomOp<I extends readonly Tensor[], O extends Tensor | readonly Tensor[]> {
  /** Named by errors and profiles. */
  readonly name: string;
  /** Computes the outputs, unrecorded; `saved` are the tensors that `backward` reads. */
  readonly forward: (...inputs: I) => { readonly output: O; readonly saved?: readonly Tensor[] };
  /** The gradient of each input (null where `needs` is false) from that of each output (null for one that nothing used). */
  readonly backward: (
    dys: readonly (Tensor | null)[],
    saved: readonly Tensor[],
    needs: readonly boolean[],
  ) => readonly (Tensor | null)[];
  /** The definition in ordinary ops, for gradients of gradients; `'composed'` (the default) if `backward` is made of ordinary ops. */
  readonly plain?: Plain;
}

/**
 * An op of the caller's own, differentiable: `forward` may dispatch kernels of its own, `backward` is its gradient.
 *
 * @returns a function of the inputs that returns the outputs and puts the op on the tape
 * @throws ShapeError, when gradients are taken, if `backward` does not return one for each input, of its shape
 */
export function customOp<I extends readonly Tensor[], O extends Tensor | readonly Tensor[]>(
  definition: CustomOp<I, O>,
): (...inputs: I) => O {
  const { name, forward, backward, plain = 'composed' } = definition;
  const checked: typeof backward = (dys, saved, needs) => {
    const dxs = backward(dys, saved, needs);
    if (dxs?.length !== needs.length)
      throw new ShapeError(name, `backward must return ${needs.length} gradients, got ${dxs?.length ?? String(dxs)}`);
    return dxs;
  };
  return (...inputs) => {
    const { output, saved = [] } = noGrad(() => forward(...inputs));
    record({ op: name, inputs, outputs: [output].flat() as Tensor[], saved, backward: checked, plain });
    return output;
  };
}
