export { AdditiveAttention, type AdditiveAttentionInput } from './attention/additive.ts';
export { Embedding } from './embedding.ts';
export { glorotNormal, glorotUniform, heNormal, heUniform, type Initializer, normal, Rng, uniform, zeros } from './init.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { Module, parameter, type StateValue } from './module.ts';
export { GRU } from './recurrent/gru.ts';
export type { RecurrentInput, RecurrentOptions } from './recurrent/recurrent.ts';
export { RNN } from './recurrent/rnn.ts';
