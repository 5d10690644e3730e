// The public face: everything but layers (fovea/nn), optimisers (fovea/optim), files (fovea/io), the tuner (fovea/tune) and the test harness
// (fovea/testing).
export { type CustomOp, customOp } from './autograd/custom.ts';
export {
  type Backward,
  detach,
  type GradsOf,
  grad,
  type Loss,
  noGrad,
  type Operation,
  type Plain,
  record,
  recording,
  type TensorTree,
  valueAndGrad,
  vjp,
} from './autograd/tape.ts';
export type { DataOf, DType, HostArray, NestedArray, Shape, TensorData } from './host.ts';
export { type AdditiveAttentionOptions, type AttentionResult, additiveAttention } from './ops/attention/additive.ts';
export {
  type AttentionDecodeOptions,
  attentionDecode,
  KvCache,
  type KvCacheOptions,
} from './ops/attention/kv_cache.ts';
export { type BlockMask, createBlockMask } from './ops/attention/mods.ts';
export {
  type Alignment,
  type ScaledDotProductAttentionOptions,
  type ScaledDotProductAttentionResult,
  scaledDotProductAttention,
} from './ops/attention/scaled_dot_product.ts';
export { add, div, maximum, minimum, mul, type Operand, pow, sub } from './ops/binary.ts';
export { cast } from './ops/cast.ts';
export {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
} from './ops/compare.ts';
export { concat, split, stack } from './ops/concat.ts';
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './ops/conv/index.ts';
export { arange, full } from './ops/create.ts';
export { type CrossEntropyOptions, crossEntropy } from './ops/cross_entropy.ts';
export { type DropoutOptions, dropout } from './ops/dropout.ts';
export { embedding, gather, type OneHotOptions, oneHot, takeAlong } from './ops/gather.ts';
export { gru } from './ops/gru.ts';
export { type GumbelSoftmaxOptions, gumbelSoftmax } from './ops/gumbel_softmax.ts';
export { hardmax } from './ops/hardmax.ts';
export { type Activation, type MatmulOptions, matmul } from './ops/matmul.ts';
export { type BatchNormOptions, batchNorm } from './ops/norm/batch_norm.ts';
export { type GroupNormOptions, groupNorm, instanceNorm } from './ops/norm/group_norm.ts';
export { type LayerNormOptions, layerNorm } from './ops/norm/layer_norm.ts';
export { type RmsNormOptions, rmsNorm } from './ops/norm/rms_norm.ts';
export {
  type AdaptiveOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type LpPoolOptions,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  type MaxPoolResult,
  type MaxUnpoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type OutputSize,
  type WindowOptions,
} from './ops/pool/index.ts';
export { advance, permutation, randint, randn, type Stream, uniform } from './ops/random.ts';
export type { SequenceOptions } from './ops/recurrent.ts';
export { argmax, argmin, logsumexp, max, mean, min, prod, type ReduceOptions, sum, sumTo } from './ops/reduce.ts';
export { type GridSampleOptions, gridSample } from './ops/resample/grid_sample.ts';
export { type ResizeOptions, resize } from './ops/resample/resize.ts';
export { type RnnOptions, rnn } from './ops/rnn.ts';
export { type CumsumOptions, cumsum } from './ops/scan.ts';
export { type ScatterOptions, scatterAdd, scatterAddAlong } from './ops/scatter.ts';
export { broadcastTo, expandDims, flip, permute, reshape, squeeze, tile, transpose } from './ops/shape.ts';
export { type PadOptions, pad, type Range, slice } from './ops/slice.ts';
export { logSoftmax, maskedSoftmax, type SoftmaxOptions, softmax } from './ops/softmax.ts';
export { type SortOptions, sort, type TopkOptions, topk } from './ops/sort.ts';
export { type SparsemaxOptions, sparsemax } from './ops/sparsemax.ts';
export { type TriangleOptions, tril, triu } from './ops/tril.ts';
export {
  abs,
  ceil,
  clamp,
  cos,
  elu,
  erf,
  exp,
  expm1,
  floor,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  log1p,
  mish,
  neg,
  reciprocal,
  relu,
  round,
  rsqrt,
  selu,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  softsign,
  sqrt,
  square,
  tan,
  tanh,
} from './ops/unary.ts';
export { where } from './ops/where.ts';
export type { ImageLayout, Padding, PerDimension } from './ops/windows.ts';
export type { Counters, MemoryUse } from './runtime/counters.ts';
export {
  ArgumentError,
  DeviceLostError,
  DisposedError,
  DTypeError,
  FoveaError,
  KernelError,
  LimitError,
  OutOfMemoryError,
  ShapeError,
} from './runtime/errors.ts';
export { Gpu, type GpuOptions } from './runtime/gpu.ts';
export {
  type Buffers,
  type Constants,
  dispatch,
  grid,
  type Hooks,
  type Kernel,
  type Params,
  type Workgroups,
} from './runtime/kernel.ts';
export { label } from './runtime/label.ts';
export type { Profile, ProfileEvent, ProfileRow } from './runtime/profile.ts';
export type { ProfileOptions, Roofline } from './runtime/profiler.ts';
export { keep, scope } from './runtime/scope.ts';
export { Tensor } from './tensor.ts';
