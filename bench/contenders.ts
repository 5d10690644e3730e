import type { Tensor } from '../src/index.ts';
import type { Contender, HostInput } from './bench.ts';
import { fovea } from './fovea.ts';
import type { Definition } from './ops.ts';
import { jax, jaxBackward, jaxOps } from './peers/jax.ts';
import { tensorflow, tensorflowBackward, tensorflowOps } from './peers/tensorflow.ts';
import { backward, plainOps } from './plain.ts';

/** Those who can compute a definition: Fovea's own op, which is `ours`, the definition in Fovea's ordinary ops, and the peers that have such ops. */
export function forward(
  definition: Definition,
  inputs: readonly HostInput[],
  ours: (...inputs: Tensor[]) => Tensor,
): Contender[] {
  return [
    fovea('fovea', 'fovea', inputs, ours),
    fovea('plain', 'plain', inputs, (...xs) => definition(plainOps, ...xs)),
    jax(inputs, (jax, ...xs) => definition(jaxOps(jax), ...xs)),
    tensorflow(inputs, (tf, ...xs) => definition(tensorflowOps(tf), ...xs)),
  ];
}

/** The same for the definition's result y and the gradients of <y, dy> by all inputs. */
export function forwardBackward(
  definition: Definition,
  inputs: readonly HostInput[],
  dy: HostInput,
  ours: (...inputs: Tensor[]) => Tensor,
): Contender[] {
  const all = [...inputs, dy];
  return [
    fovea('fovea', 'fovea', all, backward(ours)),
    fovea(
      'plain',
      'plain',
      all,
      backward((...xs) => definition(plainOps, ...xs)),
    ),
    jax(all, jaxBackward(definition)),
    tensorflow(all, tensorflowBackward(definition)),
  ];
}
