// The public face: everything but layers (fovea/nn), optimisers (fovea/optim), files (fovea/io) and the test harness (fovea/testing).
export { type CustomOp, customOp } from './autograd/custom.ts';
export { type Backward, detach, grad, type GradsOf, type Loss, noGrad, type Operation, type Plain, record, recording, type TensorTree, valueAndGrad, vjp } from './autograd/tape.ts';
export type { DataOf, DType, HostArray, NestedArray, Shape, TensorData } from './host.ts';
export { ArgumentError, DeviceLostError, DisposedError, DTypeError, FoveaError, KernelError, LimitError, OutOfMemoryError, ShapeError } from './runtime/errors.ts';
export { type Counters, Gpu, type GpuOptions, type MemoryUse } from './runtime/gpu.ts';
export { type Buffers, type Constants, dispatch, grid, type Hooks, type Kernel, type Params, type Workgroups } from './runtime/kernel.ts';
export { keep, scope } from './runtime/scope.ts';
export { Tensor } from './tensor.ts';
export { type AdditiveAttentionOptions, type AttentionResult, additiveAttention } from './ops/attention/additive.ts';
export { type Alignment, type ScaledDotProductAttentionOptions, scaledDotProductAttention } from './ops/attention/scaled_dot_product.ts';
export { gru } from './ops/gru.ts';
export type { SequenceOptions } from './ops/recurrent.ts';
export { type RnnOptions, rnn } from './ops/rnn.ts';
export { type Activation, type MatmulOptions, matmul } from './ops/matmul.ts';
