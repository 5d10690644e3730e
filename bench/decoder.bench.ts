import {
  additiveAttention,
  concat,
  crossEntropy,
  embedding,
  expandDims,
  gru,
  matmul,
  reshape,
  slice,
  type Tensor,
} from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { additive, type Definition, gruStep, linear, type Ops } from './ops.ts';
import { type Training, trainingRow } from './training.ts';
import { indices, uniform } from './values.ts';

/** Examples, states of the source, steps, vocabulary, width. */
interface Sizes {
  readonly B: number;
  readonly S: number;
  readonly T: number;
  readonly V: number;
  readonly H: number;
}

const SIZES: Sizes = { B: 8, S: 16, T: 12, V: 29, H: 32 };
const SMOKE: Sizes = { B: 2, S: 5, T: 2, V: 7, H: 6 };

/** A decoder that weighs the source's states by additive attention before each step of its GRU (Bahdanau et al. 2015): many small dispatches. */
function* rows(wish: Wish): Generator<Row> {
  if (wish.dtype === 'f16') return;
  yield trainingRow(wish, training(wish.smoke ? SMOKE : SIZES));
}

function training(sizes: Sizes): Training {
  const { B, S, T, V, H } = sizes;
  // Embedding; wq, wk, v, bias of the attention; w, u and their biases of the GRU; readout; the source's states, which an encoder would learn.
  const shapes = [
    [V, H],
    [H, H],
    [H, H],
    [H],
    [H],
    [3 * H, 2 * H],
    [3 * H, H],
    [3 * H],
    [3 * H],
    [V, H],
    [V],
    [B, S, H],
  ];
  const bound = 1 / Math.sqrt(H);
  return {
    shape: `B${B} S${S} T${T} H${H}`,
    parameters: shapes.map((shape, i) => uniform(shape, i + 1, 'f32', i === 11 ? [-1, 1] : [-bound, bound])),
    batch: [uniform([B, H], 97), indices([B, T], 98, V), indices([B, T], 99, V)],
    definition: definition(sizes),
    ours: ours(sizes),
    products: B * (S * H * H + T * (H * H + 2 * S * H + 9 * H * H + H * V)),
  };
}

function named<T>(inputs: readonly T[]) {
  const [table, wq, wk, v, bq, w, u, bw, bu, weight, bias, keys, h0, letters, targets] = inputs as [
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
    T,
  ];
  return { table, wq, wk, v, bq, w, u, bw, bu, weight, bias, keys, h0, letters, targets };
}

const definition =
  ({ B, T: steps, V, H }: Sizes): Definition =>
  <T>(ops: Ops<T>, ...inputs: T[]): T => {
    const p = named(inputs);
    const before = ops.embedding(p.table, p.letters);
    const projected = linear(ops, p.keys, p.wk);
    const states: T[] = [];
    for (let t = 0; t < steps; t++) {
      const h = states.at(-1) ?? p.h0;
      const query = ops.reshape(linear(ops, h, p.wq, p.bq), [B, 1, H]);
      const context = ops.reshape(additive(ops, query, projected, p.keys, p.v), [B, H]);
      const letter = ops.reshape(ops.slice(before, 1, t, t + 1), [B, H]);
      states.push(gruStep(ops, linear(ops, ops.concat([letter, context], 1), p.w, p.bw), h, p.u, p.bu));
    }
    const logits = linear(
      ops,
      ops.concat(
        states.map((h) => ops.reshape(h, [B, 1, H])),
        1,
      ),
      p.weight,
      p.bias,
    );
    return ops.crossEntropy(ops.reshape(logits, [B * steps, V]), ops.reshape(p.targets, [B * steps]));
  };

const ours =
  ({ B, T: steps, H }: Sizes) =>
  (...inputs: Tensor[]): Tensor => {
    const p = named(inputs);
    const before = embedding(p.table, p.letters);
    const projected = matmul(p.keys, p.wk, { transposeB: true });
    const states: Tensor[] = [];
    let h = p.h0;
    for (let t = 0; t < steps; t++) {
      const context = additiveAttention(h, projected, p.keys, { wq: p.wq, v: p.v, bias: p.bq });
      const letter = reshape(slice(before, [null, [t, t + 1]]), [B, H]);
      const gx = matmul(concat([letter, context], { axis: 1 }), p.w, { transposeB: true, bias: p.bw });
      h = gru(expandDims(gx, 1), h, p.u, p.bu).hLast;
      states.push(expandDims(h, 1));
    }
    const logits = matmul(concat(states, { axis: 1 }), p.weight, { transposeB: true, bias: p.bias });
    return crossEntropy(logits, p.targets);
  };

export default { op: 'decoder', rows } satisfies Bench;
