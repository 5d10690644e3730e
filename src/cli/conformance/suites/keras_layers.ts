// Keras's layers: weights by the last part of their path, the configuration's entries by name, arguments by position or keyword.
import {
  additiveAttention,
  concat,
  elu,
  expandDims,
  full,
  gru,
  layerNorm,
  leakyRelu,
  maskedSoftmax,
  matmul,
  mul,
  reshape,
  rnn,
  scaledDotProductAttention,
  slice,
  softmax,
  type Tensor,
  transpose,
  where,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';
import { axesFrom, prelu } from '../semantics.ts';
import { along, generalRelu } from './keras_functions.ts';
import { kerasNormLayers } from './norms.ts';

/** Query, value, and the key where it is another tensor. */
function attended(x: Args) {
  const [query, value, key] = x.list(0) as [Tensor, Tensor, Tensor?];
  // The mask of the queries, and that of the values, true where attention may look.
  const [hidden, seen] = x.optList('mask');
  const mask = seen ? expandDims(seen, 1) : undefined;
  x.only('dropout', 0).ignore('return_attention_scores');
  return { query, value, key: key ?? value, hidden, mask };
}

/** Rows of hidden queries are zeros in the output, not in the weights. */
const shown = (output: Tensor, hidden: Tensor | null | undefined): Tensor =>
  hidden ? where(expandDims(hidden, 2), output, 0) : output;

function additive(x: Args): Outputs {
  const { query, value, key, hidden, mask } = attended(x);
  const units = query.shape[2] as number;
  const scale = x.ignore('use_scale').opt('scale');
  const v = scale ? reshape(scale, [units]) : full(x.gpu, [units], 1);
  const { output, weights } = additiveAttention(query, key, value, { v, ...(mask && { mask }), returnWeights: true });
  return [shown(output, hidden), weights];
}

/** Scores are the sums of tanh(query + key), times one weight. */
function summed(x: Args): Outputs {
  const { query, value, key, hidden, mask } = attended(x.only('use_scale', false));
  const v = mul(full(x.gpu, [query.shape[2] as number], 1), x.t('concat_score_weight'));
  const { output, weights } = additiveAttention(query, key, value, { v, ...(mask && { mask }), returnWeights: true });
  return [shown(output, hidden), weights];
}

function dotProduct(x: Args): Outputs {
  const { query, value, key, hidden, mask } = attended(x);
  if (x.str('score_mode', 'dot') === 'concat') return summed(x.only('use_causal_mask', false));
  x.only('use_scale', false);
  const options = {
    scale: 1,
    isCausal: x.flag('use_causal_mask'),
    returnWeights: true,
    ...(mask && { mask: expandDims(mask, 1) }),
  } as const;
  const { output, weights } = scaledDotProductAttention(query, key, value, options);
  return [shown(output, hidden), weights];
}

function layerNormalized(x: Args): Tensor {
  const data = x.t(0);
  x.only('rms_scaling', false);
  const axes = (x.ints('axis') ?? []).map((a) => (a < 0 ? a + data.rank : a));
  const trailing = axesFrom(data, data.rank - axes.length);
  if (axes.join() !== trailing.join()) throw new Unsupported(`axis [${axes}]`);
  const eps = x.num('epsilon');
  const [weight, bias] = [x.ignore('center', 'scale').opt('gamma'), x.opt('beta')];
  return layerNorm(data, { normalizedShape: data.shape.slice(-axes.length), eps, weight, bias });
}

/** The mask is true (or 1) where an element counts. */
function softmaxed(x: Args): Outputs {
  const mask = x.opt('mask', 'bool');
  if (mask && x.ints('axis')?.length === 1) return maskedSoftmax(x.t(0), mask, { axis: x.num('axis') });
  if (mask) x.bind(0, where(mask, x.t(0), Number.NEGATIVE_INFINITY));
  return along(softmax)(x);
}

/** What the recurrent layers share: the input's part, the state to begin with, and the options. */
function sequence(x: Args, gates: number) {
  x.only('dropout', 0)
    .only('recurrent_dropout', 0)
    .only('stateful', false)
    .only('zero_output_for_mask', false)
    .ignore('unroll', 'use_bias');
  if (x.has('mask')) throw new Unsupported('mask');
  const H = x.num('units');
  const data = x.t(0);
  const bias = x.opt('bias');
  const row = (i: number) =>
    bias
      ? bias.rank === 1
        ? i === 0
          ? bias
          : x.gpu.zeros(bias.shape)
        : reshape(slice(bias, [[i, i + 1]]), [gates * H])
      : x.gpu.zeros([gates * H]);
  const h0 = x.opt('initial_state') ?? x.gpu.zeros([data.shape[0] as number, H]);
  return {
    data,
    w: x.t('kernel'),
    u: transpose(x.t('recurrent_kernel')),
    b: row(0),
    c: row(1),
    h0,
    options: { reverse: x.flag('go_backwards') },
  };
}

/** The last output, or all; then the state, where it is asked for. */
function states(x: Args, { y, hLast }: { readonly y: Tensor; readonly hLast: Tensor }): Outputs {
  const all = x.flag('return_sequences');
  if (all && x.flag('go_backwards')) throw new Unsupported('return_sequences backwards');
  return x.flag('return_state') ? [all ? y : hLast, hLast] : [all ? y : hLast];
}

function simpleRecurrence(x: Args): Outputs {
  x.only('activation', 'tanh');
  const { data, w, u, b, c, h0, options } = sequence(x, 1);
  return states(x, rnn(matmul(data, w, { bias: b }), h0, u, c, options));
}

/** Keras's gates are z, r, h in columns; Fovea's r, z, n. */
function gatedRecurrence(x: Args): Outputs {
  x.only('activation', 'tanh').only('recurrent_activation', 'sigmoid').only('reset_after', true);
  const H = x.num('units');
  const { data, w, u, b, c, h0, options } = sequence(x, 3);
  const swap = (t: Tensor, axis: number) => {
    const gate = (i: number) => slice(t, [...Array<null>(axis).fill(null), [i * H, (i + 1) * H]]);
    return concat([gate(1), gate(0), gate(2)], { axis });
  };
  return states(x, gru(swap(matmul(data, w, { bias: b }), 2), h0, swap(u, 0), swap(c, 0), options));
}

export const layers: Operators = {
  ReLU: (x) =>
    generalRelu(
      x.t(0),
      x.num('negative_slope', 0),
      x.num('threshold', 0),
      x.has('max_value') ? x.num('max_value') : undefined,
    ),
  LeakyReLU: (x) => leakyRelu(x.t(0), { slope: x.num('negative_slope') }),
  ELU: (x) => elu(x.t(0), { alpha: x.num('alpha') }),
  PReLU: (x) => prelu(x.t(0), x.ignore('shared_axes').t('alpha')),
  Softmax: softmaxed,
  LayerNormalization: layerNormalized,
  ...kerasNormLayers,
  AdditiveAttention: additive,
  Attention: dotProduct,
  SimpleRNN: simpleRecurrence,
  GRU: gatedRecurrence,
};
