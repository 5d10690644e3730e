import {
  add,
  crossEntropy,
  embedding,
  layerNorm,
  matmul,
  permute,
  reshape,
  scaledDotProductAttention,
  slice,
  type Tensor,
} from '../src/index.ts';
import type { Bench, HostInput, Row, Wish } from './bench.ts';
import { type Definition, linear, type Ops } from './ops.ts';
import { type Training, trainingRow } from './training.ts';
import { indices, uniform } from './values.ts';

/** Examples, positions, vocabulary, width, heads. */
interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly V: number;
  readonly D: number;
  readonly H: number;
}

const LAYERS = 2;
const SIZES: Sizes = { B: 4, L: 64, V: 256, D: 256, H: 4 };
const SMOKE: Sizes = { B: 2, L: 5, V: 11, D: 8, H: 2 };

/** A decoder-only transformer that normalises before each part (Radford et al. 2019), in training to give the next of 256 bytes. */
function* rows(wish: Wish): Generator<Row> {
  if (wish.dtype === 'f16') return;
  const sizes = wish.smoke ? SMOKE : SIZES;
  yield trainingRow(wish, training(sizes));
}

function training(sizes: Sizes): Training {
  const { B, L, V, D, H } = sizes;
  return {
    shape: `${LAYERS} layers B${B} L${L} D${D} H${H} V${V}`,
    parameters: parametersOf(sizes),
    batch: [indices([B * L], 98, V), indices([B * L], 99, V)],
    definition: definition(sizes),
    ours: ours(sizes),
    products: B * L * (LAYERS * (12 * D * D + 2 * L * D) + V * D),
  };
}

/** Embeddings of letters and positions; for each layer the two parts' norms, weights and biases; the last norm; the readout. */
function parametersOf({ L, V, D }: Sizes): HostInput[] {
  const layer: number[][] = [
    [D],
    [D],
    [3 * D, D],
    [3 * D],
    [D, D],
    [D],
    [D],
    [D],
    [4 * D, D],
    [4 * D],
    [D, 4 * D],
    [D],
  ];
  const shapes = [[V, D], [L, D], ...Array.from({ length: LAYERS }, () => layer).flat(), [D], [D], [V, D]];
  // Weights so that sums have about the size of what they sum; vectors are scales and biases alike.
  return shapes.map((shape, i) => uniform(shape, i + 1, 'f32', range(shape)));
}

function range(shape: readonly number[]): [number, number] {
  const bound = shape.length === 2 ? 1 / Math.sqrt(shape[1] as number) : 0.5;
  return [-bound, bound];
}

/** Hands out a list's elements in order. */
function taker<T>(list: readonly T[]): () => T {
  let next = 0;
  return () => list[next++] as T;
}

const definition =
  ({ B, L, D, H }: Sizes): Definition =>
  <T>(ops: Ops<T>, ...inputs: T[]): T => {
    const take = taker(inputs);
    const target = inputs.at(-1) as T;
    const letters = ops.reshape(ops.embedding(take(), inputs.at(-2) as T), [B, L, D]);
    let x = ops.add(letters, take());
    for (let layer = 0; layer < LAYERS; layer++) {
      const qkv = linear(ops, ops.layerNorm(x, take(), take()), take(), take());
      const heads = (i: number) =>
        ops.permute(ops.reshape(ops.slice(qkv, 2, i * D, (i + 1) * D), [B, L, H, D / H]), [0, 2, 1, 3]);
      const scores = ops.band(ops.matmul(ops.mul(heads(0), 1 / Math.sqrt(D / H)), heads(1), true), Infinity, 0);
      const read = ops.permute(ops.matmul(ops.softmax(scores), heads(2)), [0, 2, 1, 3]);
      x = ops.add(x, linear(ops, ops.reshape(read, [B, L, D]), take(), take()));
      const hidden = ops.gelu(linear(ops, ops.layerNorm(x, take(), take()), take(), take()));
      x = ops.add(x, linear(ops, hidden, take(), take()));
    }
    const logits = linear(ops, ops.layerNorm(x, take(), take()), take());
    return ops.crossEntropy(ops.reshape(logits, [B * L, ops.shape(logits)[2] as number]), target);
  };

/** The same as an application would write it. */
const ours =
  ({ B, L, D, H }: Sizes) =>
  (...inputs: Tensor[]): Tensor => {
    const take = taker(inputs);
    const norm = (x: Tensor) => layerNorm(x, { weight: take(), bias: take() });
    const dense = (x: Tensor, activation: 'none' | 'gelu' = 'none') =>
      matmul(x, take(), { transposeB: true, bias: take(), activation });
    const letters = reshape(embedding(take(), inputs.at(-2) as Tensor), [B, L, D]);
    let x = add(letters, take());
    for (let layer = 0; layer < LAYERS; layer++) {
      const qkv = dense(norm(x));
      const heads = (i: number) =>
        permute(reshape(slice(qkv, [null, null, [i * D, (i + 1) * D]]), [B, L, H, D / H]), [0, 2, 1, 3]);
      const read = scaledDotProductAttention(heads(0), heads(1), heads(2), { isCausal: true });
      x = add(x, dense(reshape(permute(read, [0, 2, 1, 3]), [B, L, D])));
      x = add(x, dense(dense(norm(x), 'gelu')));
    }
    const logits = matmul(norm(x), take(), { transposeB: true });
    return crossEntropy(reshape(logits, [B * L, logits.shape[2] as number]), inputs.at(-1) as Tensor);
  };

export default { op: 'transformer', rows } satisfies Bench;
