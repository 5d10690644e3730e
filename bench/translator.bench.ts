import { PlainTranslator } from '../examples/translate/model.ts';
import {
  crossEntropy,
  embedding,
  type Gpu,
  gru,
  matmul,
  reshape,
  scope,
  slice,
  type Tensor,
  valueAndGrad,
} from '../src/index.ts';
import { Rng } from '../src/nn/index.ts';
import { gruPlain } from '../src/ops/reference/recurrent.ts';
import { Adam } from '../src/optim/index.ts';
import type { Nd } from '../src/testing/index.ts';
import type { Bench, Row } from './bench.ts';

const [B, S, T, V, H] = [12, 8, 8, 29, 128];
type Parameters = Readonly<Record<string, Tensor>>;
type Sequence = (gx: Tensor, h0: Tensor, u: Tensor, bias: Tensor) => Tensor;

const ids = (length: number): number[][] =>
  Array.from({ length: B }, (_, b) => Array.from({ length }, (_, t) => (7 * b + 5 * t) % V));
const SOURCE = ids(S);
const INPUTS = ids(T);

/** A training step of the translator without attention (loss, gradients, Adam), with the sequence kernels and with ordinary ops. */
function* rows(gpu: Gpu): Generator<Row> {
  const upload = (rows: number[][]) => gpu.tensor(rows, undefined, { dtype: 'i32' });
  const [source, inputs] = [upload(SOURCE), upload(INPUTS)];
  const fused: Sequence = (gx, h0, u, bias) => gru(gx, h0, u, bias).y;
  const plain: Sequence = (gx, h0, u, bias) => gruPlain(gx, h0, u, bias, {})[0] as Tensor;
  const contenders = [trainer(gpu, 'fovea', source, inputs, fused), trainer(gpu, 'plain', source, inputs, plain)];
  const first = new PlainTranslator(gpu, { vocabulary: V, hidden: H }, new Rng(1));
  yield {
    shape: `B${B} S${S} T${T} H${H}`,
    flops: 3 * 2 * B * (S + T) * 6 * H * H + 3 * 2 * B * T * H * V,
    bytes: 4 * 4 * Object.values(first.parameters()).reduce((n, t) => n + t.size, 0),
    contenders,
    reference: () => reference(first),
    tolerance: 1e-5,
    dispose: () => {
      for (const { dispose } of contenders) dispose();
      first.dispose();
      source.dispose();
      inputs.dispose();
    },
  };
}

/** Gives the loss of each step; the first one is that of the weights of seed 1. */
function trainer(gpu: Gpu, name: string, source: Tensor, inputs: Tensor, sequence: Sequence) {
  const model = new PlainTranslator(gpu, { vocabulary: V, hidden: H }, new Rng(1));
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { lr: 1e-3 });
  const run = () =>
    scope(() => {
      const { value, grads } = valueAndGrad(() => loss(parameters, source, inputs, sequence), parameters);
      optimizer.step(grads);
      return value;
    });
  const dispose = () => {
    optimizer.dispose();
    model.dispose();
  };
  return { name, run, dispose };
}

function loss(p: Parameters, source: Tensor, inputs: Tensor, sequence: Sequence): Tensor {
  const get = (name: string) => p[name] as Tensor;
  const part = (name: string, indices: Tensor, h0: Tensor) => {
    const x = embedding(get('embedding.weight'), indices);
    const gx = matmul(x, get(`${name}.weight_ih_l0`), { transposeB: true, bias: get(`${name}.bias_ih_l0`) });
    return sequence(gx, h0, get(`${name}.weight_hh_l0`), get(`${name}.bias_hh_l0`));
  };
  const read = part('encoder', source, source.gpu.zeros([B, H]));
  const states = part('decoder', inputs, reshape(slice(read, [null, [S - 1, S]]), [B, H]));
  const logits = matmul(states, get('readout.weight'), { transposeB: true, bias: get('readout.bias') });
  return crossEntropy(logits, inputs);
}

/** The same loss in f64, a number at a time. */
async function reference(model: PlainTranslator): Promise<Nd> {
  const p: Record<string, ArrayLike<number>> = {};
  for (const [name, t] of Object.entries(model.parameters())) p[name] = await t.data();
  const at = (name: string, i: number) => p[name]?.[i] ?? Number.NaN;
  const affine = (weight: string, bias: string, x: readonly number[], size: number) =>
    Array.from({ length: size }, (_, j) =>
      x.reduce((sum, v, k) => sum + v * at(weight, j * x.length + k), at(bias, j)),
    );
  const step = (name: string, id: number, h: readonly number[]) => {
    const x = Array.from({ length: H }, (_, k) => at('embedding.weight', id * H + k));
    const gx = affine(`${name}.weight_ih_l0`, `${name}.bias_ih_l0`, x, 3 * H);
    const gh = affine(`${name}.weight_hh_l0`, `${name}.bias_hh_l0`, h, 3 * H);
    const s = (i: number) => 1 / (1 + Math.exp(-(gx[i] as number) - (gh[i] as number)));
    return h.map((v, j) => {
      const n = Math.tanh((gx[2 * H + j] as number) + s(j) * (gh[2 * H + j] as number));
      return n + s(H + j) * (v - n);
    });
  };
  let total = 0;
  for (let b = 0; b < B; b++) {
    let h = Array<number>(H).fill(0);
    for (const id of SOURCE[b] as number[]) h = step('encoder', id, h);
    for (const id of INPUTS[b] as number[]) {
      h = step('decoder', id, h);
      const logits = affine('readout.weight', 'readout.bias', h, V);
      const sum = logits.reduce((a, v) => a + Math.exp(v), 0);
      total += Math.log(sum) - (logits[id] as number);
    }
  }
  return { shape: [], data: Float64Array.of(total / (B * T)) };
}

export default { op: 'translator', rows } satisfies Bench;
