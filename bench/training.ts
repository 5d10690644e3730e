// Whole training steps: loss, gradients, and a step of gradient descent whose rate is 0, so that every run starts from the same parameters.
import type { Array as Jax } from '@jax-js/jax';
import type { Tensor as Tf } from '@tensorflow/tfjs-core';
import { type Tensor, valueAndGrad } from '../src/index.ts';
import { SGD } from '../src/optim/index.ts';
import type { Contender, HostInput, Kind, Row, Wish } from './bench.ts';
import { foveaModel } from './fovea.ts';
import type { Definition } from './ops.ts';
import { jax, jaxBackward } from './peers/jax.ts';
import { tensorflow, tensorflowBackward } from './peers/tensorflow.ts';
import { plainOps } from './plain.ts';
import { reference } from './reference/f64.ts';
import { withResults } from './results.ts';
import { bytesOf } from './values.ts';

export interface Training {
  readonly shape: string;
  readonly parameters: readonly HostInput[];
  readonly batch: readonly HostInput[];
  /** The loss from parameters and batch, in this order. */
  readonly definition: Definition;
  readonly ours: (...inputs: Tensor[]) => Tensor;
  /** Multiply-adds of the products of the forward pass; the rest is small beside them. */
  readonly products: number;
}

const ONE: HostInput = { shape: [], data: Float32Array.of(1) };
const RATE: HostInput = { shape: [], data: Float32Array.of(0) };

/** The row of a training step; its results are the loss and the gradients. */
export function trainingRow({ dtype }: Wish, training: Training): Row {
  const { shape, parameters, batch, definition, ours, products } = training;
  const n = parameters.length;
  return {
    shape,
    dtype,
    size: products,
    series: 'loss, gradients, step',
    // Each product of the forward pass is two of the backward pass.
    flops: 3 * 2 * products,
    bytes: 3 * bytesOf(dtype, parameters) + bytesOf('i32', batch),
    contenders: [
      trainer('fovea', 'fovea', training, ours),
      trainer('plain', 'plain', training, (...xs) => definition(plainOps, ...xs)),
      onlyFirst(
        n + 1,
        jax([...parameters, ...batch, RATE, ONE], (jax, ...all) => {
          const [rate, one] = all.slice(-2) as [Jax, Jax];
          const xs = all.slice(0, -2);
          const [loss, ...grads] = jaxBackward(definition, n)(jax, ...xs.map((x) => x.ref), one) as [Jax, ...Jax[]];
          return [loss, ...grads, ...grads.map((g, i) => (xs[i] as Jax).sub(g.ref.mul(rate.ref)))];
        }),
      ),
      onlyFirst(
        n + 1,
        tensorflow([...parameters, ...batch, RATE, ONE], (tf, ...all) => {
          const [rate, one] = all.slice(-2) as [Tf, Tf];
          const xs = all.slice(0, -2);
          const [loss, ...grads] = tensorflowBackward(definition, n)(tf, ...xs, one) as [Tf, ...Tf[]];
          return [loss, ...grads, ...grads.map((g, i) => tf.sub(xs[i] as Tf, tf.mul(g, rate)))];
        }),
      ),
    ],
    reference: () => reference(definition, [...parameters, ...batch], { dy: [1], wrt: n }),
    tolerance: 1e-5,
  };
}

/** Without the new parameters, which are the old ones. */
const onlyFirst = (n: number, contender: Contender): Contender =>
  withResults(contender, (results) => results.slice(0, n));

function trainer(
  kind: Kind,
  name: string,
  { parameters, batch }: Training,
  loss: (...inputs: Tensor[]) => Tensor,
): Contender {
  return foveaModel(kind, name, (gpu) => {
    const upload = ({ data, shape }: HostInput) => gpu.tensor(data, shape);
    const [weights, inputs] = [parameters.map(upload), batch.map(upload)];
    const optimizer = new SGD(weights, { lr: 0 });
    return {
      run: () => {
        const { value, grads } = valueAndGrad(() => loss(...weights, ...inputs), weights);
        optimizer.step(grads);
        return [value, ...grads];
      },
      dispose: () => {
        optimizer.dispose();
        for (const t of [...weights, ...inputs]) t.dispose();
      },
    };
  });
}
