// ONNX operators of neural networks: softmax, norms, losses, dropout, attention, recurrence.
import {
  add,
  concat,
  dropout,
  equal,
  gru,
  hardmax,
  layerNorm,
  logSoftmax,
  matmul,
  mean,
  permute,
  reshape,
  rnn,
  rsqrt,
  slice,
  softmax,
  square,
  squeeze,
  sub,
  type Tensor,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';
import { axesFrom, meanVarianceNorm, overNorm, reduceL1, reduceL2 } from '../semantics.ts';
import { onnxNorms } from './norms.ts';
import { attention } from './onnx_attention.ts';
import { flexAttention } from './onnx_flex.ts';
import { onnxPools } from './pools.ts';

/** Before version 13 these work on a matrix made at `axis`. */
const alongAxis =
  (f: (x: Tensor, options: { readonly axis: number }) => Tensor) =>
  (x: Args): Tensor => {
    if (x.num('opset') < 13) throw new Unsupported('opset below 13');
    return f(x.t(0), { axis: x.num('axis', -1) });
  };

function normalized(x: Args): Tensor {
  const axis = x.num('axis', -1);
  const data = x.t(0);
  const options = { axis, keepDims: true };
  return overNorm(data, x.num('p', 2) === 2 ? reduceL2(data, options) : reduceL1(data, options));
}

/** The normalised tensor; and the mean and the inverse standard deviation, which Fovea's layer keeps to itself. */
function layerNormalized(x: Args): Outputs {
  const data = x.t(0);
  const axis = axesFrom(data, x.num('axis', -1));
  const eps = x.num('epsilon', 1e-5);
  const y = layerNorm(data, { normalizedShape: data.shape.slice(-axis.length), weight: x.t(1), bias: x.opt(2), eps });
  const middle = mean(data, { axis, keepDims: true });
  const variance = mean(square(sub(data, middle)), { axis, keepDims: true });
  return [y, middle, rsqrt(add(variance, eps))];
}

/** The mask is true where an element was kept. */
function dropped(x: Args): Outputs {
  const data = x.t(0);
  const training = x.flag(2);
  const p = x.has(1) ? x.num(1) : x.num('ratio', 0.5);
  x.ignore('seed');
  if (training && p > 0) throw new Unsupported('random numbers of its own');
  return [dropout(data, { p: training ? p : 0, seed: 0, training }), equal(data, data)];
}

/** One direction, time first; the input's part and the bias of the recurrent part apart, as in PyTorch. */
function sequence(x: Args, gates: number) {
  x.only('layout', 0).only('direction', 'forward').ignore('hidden_size');
  const [data, w, r] = [permute(x.t(0), [1, 0, 2]), squeeze(x.t(1), 0), squeeze(x.t(2), 0)];
  const [B, H] = [data.shape[0] as number, r.shape[1] as number];
  const bias = x.opt(3);
  const half = (i: number) =>
    bias ? reshape(slice(bias, [null, [i * gates * H, (i + 1) * gates * H]]), [gates * H]) : x.gpu.zeros([gates * H]);
  const initial = x.opt(5);
  const h0 = initial ? squeeze(initial, 0) : x.gpu.zeros([B, H]);
  const lengths = x.opt(4);
  return {
    gx: matmul(data, w, { transposeB: true, bias: half(0) }),
    h0,
    r,
    bias: half(1),
    options: lengths ? { lengths } : {},
  };
}

/** Y is [T, 1, B, H], Y_h [1, B, H]. */
function states({ y, hLast }: { readonly y: Tensor; readonly hLast: Tensor }): Outputs {
  const [B, T, H] = y.shape as [number, number, number];
  return [reshape(permute(y, [1, 0, 2]), [T, 1, B, H]), reshape(hLast, [1, B, H])];
}

function simpleRecurrence(x: Args): Outputs {
  x.only('activations', ['Tanh']).only('clip', 0);
  const { gx, h0, r, bias, options } = sequence(x, 1);
  return states(rnn(gx, h0, r, bias, options));
}

/** ONNX's gates are z, r, h; Fovea's r, z, n. */
function gatedRecurrence(x: Args): Outputs {
  if (!x.flag('linear_before_reset')) throw new Unsupported('linear_before_reset 0');
  const { gx, h0, r, bias, options } = sequence(x, 3);
  const H = h0.shape[1] as number;
  const swap = (t: Tensor, axis: number) => {
    const gate = (i: number) => slice(t, [...Array<null>(axis).fill(null), [i * H, (i + 1) * H]]);
    return concat([gate(1), gate(0), gate(2)], { axis });
  };
  return states(gru(swap(gx, 2), h0, swap(r, 0), swap(bias, 0), options));
}

export const networks: Operators = {
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
  Hardmax: (x) => hardmax(x.t(0), { axis: x.num('axis', -1) }),
  LpNormalization: normalized,
  MeanVarianceNormalization: (x) => meanVarianceNorm(x.t(0), x.ints('axes') ?? [0, 2, 3], 1e-9),
  LayerNormalization: layerNormalized,
  Dropout: dropped,
  RNN: simpleRecurrence,
  GRU: gatedRecurrence,
  Attention: attention,
  FlexAttention: flexAttention,
  ...onnxNorms,
  ...onnxPools,
};
