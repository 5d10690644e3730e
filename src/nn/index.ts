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
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
  type PoolLayer,
} from './pool.ts';
export { GRU } from './recurrent/gru.ts';
export type { RecurrentInput, RecurrentOptions } from './recurrent/recurrent.ts';
export { RNN } from './recurrent/rnn.ts';
export { RMSNorm, type RMSNormLayerOptions } from './rms_norm.ts';
export { LogSoftmax, Softmax, type SoftmaxLayerOptions } from './softmax.ts';
export { type SpectralNormOptions, spectralNorm } from './spectral_norm.ts';
export { Upsample, type UpsampleOptions } from './upsample.ts';
