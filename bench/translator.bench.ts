import { crossEntropy, embedding, gru, matmul, reshape, slice, type Tensor } from '../src/index.ts';
import type { Bench, Row, Wish } from './bench.ts';
import { type Definition, gruStep, linear, type Ops } from './ops.ts';
import { type Training, trainingRow } from './training.ts';
import { indices, uniform, zeros } from './values.ts';

/** Examples, letters read and written, vocabulary, width. */
interface Sizes {
  readonly B: number;
  readonly S: number;
  readonly T: number;
  readonly V: number;
  readonly H: number;
}

const SIZES: Sizes = { B: 12, S: 8, T: 8, V: 29, H: 128 };
const SMOKE: Sizes = { B: 2, S: 3, T: 2, V: 7, H: 6 };

/** The translator without attention: a GRU reads the source, another writes from its last state. Its own sequence kernels beside single steps. */
function* rows(wish: Wish): Generator<Row> {
  if (wish.dtype === 'f16') return;
  yield trainingRow(wish, training(wish.smoke ? SMOKE : SIZES));
}

function training(sizes: Sizes): Training {
  const { B, S, T, V, H } = sizes;
  const gru = [[3 * H, H], [3 * H, H], [3 * H], [3 * H]];
  const shapes = [[V, H], ...gru, ...gru, [V, H], [V]];
  const bound = 1 / Math.sqrt(H);
  return {
    shape: `B${B} S${S} T${T} H${H}`,
    parameters: shapes.map((shape, i) => uniform(shape, i + 1, 'f32', [-bound, bound])),
    batch: [zeros([B, H]), indices([B, S], 97, V), indices([B, T], 98, V), indices([B, T], 99, V)],
    definition: definition(sizes),
    ours: ours(sizes),
    products: B * (S + T) * 6 * H * H + B * T * H * V,
  };
}

type Part = 'encoder' | 'decoder';

/** The parameters by their names: embedding; w, u and their biases for either GRU; readout. */
function named<T>(inputs: readonly T[]) {
  const gru = (from: number) => inputs.slice(from, from + 4) as [w: T, u: T, bw: T, bu: T];
  const [table, weight, bias] = [inputs[0], inputs[9], inputs[10]] as [T, T, T];
  const [h0, source, letters, targets] = inputs.slice(11) as [T, T, T, T];
  return { table, encoder: gru(1), decoder: gru(5), weight, bias, h0, source, letters, targets };
}

const definition =
  ({ B, S, T: steps, V, H }: Sizes): Definition =>
  <T>(ops: Ops<T>, ...inputs: T[]): T => {
    const p = named(inputs);
    const read = (part: Part, indices: T, length: number, h0: T): T[] => {
      const [w, u, bw, bu] = p[part];
      const gates = linear(ops, ops.reshape(ops.embedding(p.table, indices), [B * length, H]), w, bw);
      const gx = ops.reshape(gates, [B, length, 3 * H]);
      const states: T[] = [];
      for (let t = 0; t < length; t++) {
        const x = ops.reshape(ops.slice(gx, 1, t, t + 1), [B, 3 * H]);
        states.push(gruStep(ops, x, states.at(-1) ?? h0, u, bu));
      }
      return states;
    };
    const last = read('encoder', p.source, S, p.h0).at(-1) as T;
    const states = read('decoder', p.letters, steps, last).map((h) => ops.reshape(h, [B, 1, H]));
    const logits = linear(ops, ops.concat(states, 1), p.weight, p.bias);
    return ops.crossEntropy(ops.reshape(logits, [B * steps, V]), ops.reshape(p.targets, [B * steps]));
  };

const ours =
  ({ B, S, H }: Sizes) =>
  (...inputs: Tensor[]): Tensor => {
    const p = named(inputs);
    const read = (part: Part, indices: Tensor, h0: Tensor) => {
      const [w, u, bw, bu] = p[part];
      return gru(matmul(embedding(p.table, indices), w, { transposeB: true, bias: bw }), h0, u, bu).y;
    };
    const all = read('encoder', p.source, p.h0);
    const states = read('decoder', p.letters, reshape(slice(all, [null, [S - 1, S]]), [B, H]));
    return crossEntropy(matmul(states, p.weight, { transposeB: true, bias: p.bias }), p.targets);
  };

export default { op: 'translator', rows } satisfies Bench;
