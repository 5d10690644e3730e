import type { RowSum } from '../autograd/row_sum.ts';
import { noGrad, record } from '../autograd/tape.ts';
import { rnnBackward, rnnForward } from '../generated/kernels.ts';
import { ArgumentError } from '../runtime/errors.ts';
import { dispatch } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { matmul } from './matmul.ts';
import { checkSequence, type Sequence, type SequenceOptions, wholeVectors, workgroups } from './recurrent.ts';
import { sum } from './reduce.ts';
import { rnnPlain } from './reference/recurrent.ts';
import { rowSum } from './row_sum.ts';
import { reshape } from './shape.ts';

export interface RnnOptions extends SequenceOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/**
 * A simple recurrent network over whole sequences, one dispatch forward and one (and two small products) backward:
 * h' = tanh(gx + U h + b), or relu.
 *
 * @param gx   [B, T, H], f32 or f16: the inputs' part, x W^T with its bias
 * @param h0   [B, H], the state before the first step
 * @param u    [H, H], the recurrent matrix (PyTorch's `weight_hh`)
 * @param bias [H], added to the recurrent part (PyTorch's `bias_hh`)
 * @returns `y` [B, T, H], the state after each step (0 past a sequence's length), and `hLast` [B, H]
 * @throws ShapeError, DTypeError, ArgumentError; LimitError when H needs a larger workgroup than the device has (1,024 at WebGPU's default limits)
 *
 * Elman 1990, Finding structure in time.
 */
export function rnn(
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: RnnOptions = {},
): { y: Tensor; hLast: Tensor } {
  const { nonlinearity = 'tanh' } = options;
  if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
    throw new ArgumentError('rnn', `nonlinearity must be tanh or relu, got ${String(nonlinearity)}`);
  const sequence = checkSequence('rnn', 1, gx, h0, u, bias, options);
  return scope(() => forward(sequence, gx, h0, u, bias, options));
}

function forward(
  sequence: Sequence,
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: RnnOptions,
): { y: Tensor; hLast: Tensor } {
  const { B, T, H, lengths } = sequence;
  const constants = { ...sequence.constants, RELU: options.nonlinearity === 'relu' };
  const { gpu, dtype } = gx;
  const wide = noGrad(() => wholeVectors(u, H));
  const y = gpu.empty([B, T, H], dtype, 'rnn');
  const hLast = gpu.empty([B, H], dtype, 'rnn');
  const prev = gpu.empty([B, T, H], dtype, 'rnn');
  dispatch(
    gpu,
    rnnForward,
    { gx, h0, U: wide, bias, lengths: lengths ?? bias, y, hLast, prev },
    { B, T, H },
    workgroups(B),
    constants,
  );
  record({
    op: 'rnn',
    inputs: [gx, h0, u, bias],
    outputs: [y, hLast],
    saved: [y, prev, wide, ...(lengths ? [lengths] : [])],
    backward: (dys, saved, needs) => backward(sequence, constants, dys, saved, needs),
    plain: (gx, h0, u, bias) => rnnPlain(gx as Tensor, h0 as Tensor, u as Tensor, bias as Tensor, options),
  });
  return { y, hLast };
}

function backward(
  { B, T, H }: Sequence,
  constants: Sequence['constants'] & { readonly RELU: boolean },
  dys: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  needs: readonly boolean[],
): (Tensor | RowSum | null)[] {
  const [y, prev, wide, lengths] = saved as [Tensor, Tensor, Tensor, Tensor?];
  const { gpu, dtype } = y;
  const da = gpu.empty([B, T, H], dtype, 'rnn');
  const dh0 = gpu.empty([B, H], dtype, 'rnn');
  const [dy, dhLast] = dys;
  dispatch(
    gpu,
    rnnBackward,
    { dy: dy ?? y, dhLast: dhLast ?? y, y, U: wide, lengths: lengths ?? y, da, dh0 },
    { B, T, H },
    workgroups(B),
    { ...constants, DY: !!dy, DH_LAST: !!dhLast },
  );
  const flat = reshape(da, [B * T, H]);
  const before = reshape(prev, [B * T, H]);
  return [
    da,
    dh0,
    needs[2] ? rowSum('rnn', [flat, before], (flat, before) => matmul(flat, before, { transposeA: true })) : null,
    needs[3] ? rowSum('bias', [flat], (flat) => sum(flat, { axis: 0 })) : null,
  ];
}
