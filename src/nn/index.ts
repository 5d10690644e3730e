export { Rng } from '../random/rng.ts';
export { AdditiveAttention, type AdditiveAttentionInput } from './attention/additive.ts';
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
} from './conv.ts';
export { Dropout, type DropoutLayerOptions } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export {
  constant,
  fanInUniform,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Init,
  normal,
  ones,
  orthogonal,
  uniform,
  zeros,
} from './init.ts';
export { LayerNorm, type LayerNormLayerOptions } from './layer_norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { Module } from './module.ts';
export { Parameter, parameter } from './parameter.ts';
export { GRU } from './recurrent/gru.ts';
export type { RecurrentInput, RecurrentOptions } from './recurrent/recurrent.ts';
export { RNN } from './recurrent/rnn.ts';
