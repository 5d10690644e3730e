// Attention with projections: PyTorch's and Keras's layers.
import {
  add,
  expandDims,
  gelu,
  layerNorm,
  logicalAnd,
  logicalNot,
  matmul,
  permute,
  relu,
  reshape,
  scaledDotProductAttention,
  slice,
  type Tensor,
} from '../../../index.ts';
import { type Args, type Operators, type Outputs, Unsupported } from '../args.ts';

interface Masking {
  /** Over [B, H, L, S]: true where to attend, or added. */
  readonly mask?: Tensor | undefined;
  readonly isCausal?: boolean;
}

/** Projected rows [B, L, H D]: the outputs of all heads side by side, and the weights [B, H, L, S]. */
function attend(q: Tensor, k: Tensor, v: Tensor, heads: number, keyHeads: number, { mask, isCausal }: Masking) {
  const split = (t: Tensor, h: number) => {
    const [B, L, width] = t.shape as [number, number, number];
    return reshape(t, [B, L, h, width / h]);
  };
  const { output, weights } = scaledDotProductAttention(split(q, heads), split(k, keyHeads), split(v, keyHeads), {
    layout: 'blhd',
    isCausal: isCausal ?? false,
    returnWeights: true,
    ...(mask && { mask }),
  });
  const [B, L, H, D] = output.shape as [number, number, number, number];
  return { output: reshape(output, [B, L, H * D]), weights };
}

/** x W^T + b. */
const linear = (x: Tensor, weight: Tensor, bias: Tensor | null): Tensor =>
  matmul(x, weight, { transposeB: true, ...(bias && { bias }) });

/** In PyTorch's layer a mask of bools is true where attention may not look; `padding` is one of keys, [B, S]. */
function torchMask(given: Tensor | null, padding: Tensor | null): Tensor | undefined {
  const seen = padding && reshape(logicalNot(padding), [padding.shape[0] as number, 1, 1, -1]);
  if (!given) return seen ?? undefined;
  // One for each head of each entry has them on one axis.
  if (given.rank !== 2) throw new Unsupported(`attn_mask of rank ${given.rank}`);
  if (given.dtype !== 'bool' && seen) throw new Unsupported('attn_mask of numbers beside key_padding_mask');
  const own = given.dtype === 'bool' ? logicalNot(given) : given;
  return seen ? logicalAnd(own, seen) : own;
}

/** torch.nn.MultiheadAttention of `query` to `source`, its parameters' names beginning with `prefix`. */
function torchHeads(
  x: Args,
  prefix: string,
  heads: number,
  [query, key, value]: [Tensor, Tensor, Tensor],
  mask?: Tensor,
) {
  const E = query.shape[2] as number;
  const third = (t: Tensor | null, i: number) => t && slice(t, [[i * E, (i + 1) * E]]);
  const packed = x.opt(`${prefix}in_proj_weight`);
  const bias = x.opt(`${prefix}in_proj_bias`);
  const project = (input: Tensor, name: string, i: number) =>
    linear(input, third(packed, i) ?? x.t(`${prefix}${name}_proj_weight`), third(bias, i));
  const [q, k, v] = [project(query, 'q', 0), project(key, 'k', 1), project(value, 'v', 2)];
  const { output, weights } = attend(q, k, v, heads, heads, { mask });
  return { output: linear(output, x.t(`${prefix}out_proj.weight`), x.opt(`${prefix}out_proj.bias`)), weights };
}

/** The weights of each head, not their mean. */
export function torchMultihead(x: Args): Outputs {
  x.only('batch_first', true).only('mask_true_means', 'masked out').ignore('embed_dim', 'kdim', 'vdim', 'bias');
  const query = x.t('query');
  const key = x.opt('key') ?? query;
  const mask = torchMask(x.opt('attn_mask'), x.opt('key_padding_mask'));
  const { output, weights } = torchHeads(x, '', x.num('num_heads'), [query, key, x.opt('value') ?? key], mask);
  return [output, weights];
}

const turned = (t: Tensor): Tensor => permute(t, [1, 0, 2]);

/** What the layers of a transformer share: [L, B, D] as [B, L, D], and their parts by name. */
function transformer(x: Args) {
  x.only('dropout', 0).only('norm_first', false).ignore('d_model', 'dim_feedforward');
  const first = x.flag('batch_first');
  const activation = x.str('activation') === 'gelu' ? gelu : relu;
  const [heads, eps] = [x.num('nhead'), x.num('layer_norm_eps')];
  const [weight, bias] = [(name: string) => x.t(`${name}.weight`), (name: string) => x.t(`${name}.bias`)];
  const input = (name: string) => (first ? x.t(name) : turned(x.t(name)));
  const layer = (name: string, t: Tensor) => linear(t, weight(name), bias(name));
  return {
    input,
    output: (t: Tensor) => (first ? t : turned(t)),
    norm: (i: number, t: Tensor) => layerNorm(t, { weight: weight(`norm${i}`), bias: bias(`norm${i}`), eps }),
    feed: (t: Tensor) => layer('linear2', activation(layer('linear1', t))),
    heads: (prefix: string, t: Tensor, source: Tensor, padding: string) =>
      torchHeads(x, `${prefix}.`, heads, [t, source, source], torchMask(null, x.opt(padding, 'bool'))).output,
  };
}

function encoderLayer(x: Args): Tensor {
  const { input, output, norm, feed, heads } = transformer(x);
  const src = input('src');
  const attended = norm(1, add(src, heads('self_attn', src, src, 'src_key_padding_mask')));
  return output(norm(2, add(attended, feed(attended))));
}

function decoderLayer(x: Args): Tensor {
  const { input, output, norm, feed, heads } = transformer(x);
  const [tgt, memory] = [input('tgt'), input('memory')];
  const own = norm(1, add(tgt, heads('self_attn', tgt, tgt, 'tgt_key_padding_mask')));
  const attended = norm(2, add(own, heads('multihead_attn', own, memory, 'memory_key_padding_mask')));
  return output(norm(3, add(attended, feed(attended))));
}

export const transformerLayers: Operators = {
  TransformerEncoderLayer: encoderLayer,
  TransformerDecoderLayer: decoderLayer,
};

/** A kernel is [inputs, heads, width], that of the output [heads, width, outputs]; a mask is true where to attend, [B, L, S]. Weights of halves are computed with in f32. */
function kerasHeads(x: Args): Outputs {
  x.only('use_gate', false).only('dropout', 0).ignore('use_bias', 'return_attention_scores', 'output_shape');
  const flat = (name: string, outputs: number) => {
    const bias = x.opt(`${name}/bias`, 'f32');
    const kernel = x.t(`${name}/kernel`, 'f32');
    return {
      kernel: reshape(kernel, [kernel.size / outputs, outputs]),
      ...(bias && { bias: reshape(bias, [outputs]) }),
    };
  };
  const project = (t: Tensor, name: string) => {
    const [, heads, width] = x.t(`${name}/kernel`, 'f32').shape as [number, number, number];
    const { kernel, ...options } = flat(name, heads * width);
    return { projected: matmul(t, kernel, options), heads };
  };
  const [query, value] = [x.t('query'), x.t('value')];
  const mask = x.opt('attention_mask', 'bool');
  const [q, k, v] = [project(query, 'query'), project(x.opt('key') ?? value, 'key'), project(value, 'value')];
  const { output, weights } = attend(q.projected, k.projected, v.projected, q.heads, k.heads, {
    mask: mask ? expandDims(mask, 1) : undefined,
    isCausal: x.flag('use_causal_mask'),
  });
  const { kernel, ...options } = flat('attention_output', x.t('attention_output/kernel', 'f32').shape[2] as number);
  return [matmul(output, kernel, options), weights];
}

export const kerasMultiHead: Operators = {
  MultiHeadAttention: (x) => kerasHeads(x.only('attention_axes', [1]).ignore('num_heads', 'key_dim', 'value_dim')),
  GroupedQueryAttention: (x) => kerasHeads(x.ignore('head_dim', 'num_query_heads', 'num_key_value_heads')),
};
