export { Rng } from '../random/rng.ts';
export { AdditiveAttention, type AdditiveAttentionInput } from './attention/additive.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormLayerOptions } from './batch_norm.ts';
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
export { GroupNorm, type GroupNormLayerOptions } from './group_norm.ts';
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
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, type InstanceNormLayerOptions } from './instance_norm.ts';
export { LayerNorm, type LayerNormLayerOptions } from './layer_norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { Module } from './module.ts';
export { Parameter, parameter } from './parameter.ts';
export { GRU } from './recurrent/gru.ts';
export type { RecurrentInput, RecurrentOptions } from './recurrent/recurrent.ts';
export { RNN } from './recurrent/rnn.ts';
export { RMSNorm, type RMSNormLayerOptions } from './rms_norm.ts';
export { type SpectralNormOptions, spectralNorm } from './spectral_norm.ts';
