import type { RowSum } from '../autograd/row_sum.ts';
import { noGrad, record } from '../autograd/tape.ts';
import { gruBackward, gruForward } from '../generated/kernels.ts';
import { dispatch } from '../runtime/kernel.ts';
import { scope } from '../runtime/scope.ts';
import type { Tensor } from '../tensor.ts';
import { matmul } from './matmul.ts';
import { checkSequence, type Sequence, type SequenceOptions, wholeVectors, workgroups } from './recurrent.ts';
import { sum } from './reduce.ts';
import { gruPlain } from './reference/recurrent.ts';
import { rowSum } from './row_sum.ts';
import { reshape } from './shape.ts';
import { slice } from './slice.ts';

/**
 * A gated recurrent unit over whole sequences, one dispatch forward and one (and two small products) backward:
 * r = s(gx_r + U_r h + b_r), z = s(gx_z + U_z h + b_z), n = tanh(gx_n + r * (U_n h + b_n)), h' = (1 - z) n + z h.
 *
 * @param gx   [B, T, 3H], f32 or f16: the inputs' part, x W^T with its bias, in the order r, z, n
 * @param h0   [B, H], the state before the first step
 * @param u    [3H, H], the recurrent matrix, in the same order (PyTorch's `weight_hh`)
 * @param bias [3H], added to the recurrent part (PyTorch's `bias_hh`)
 * @returns `y` [B, T, H], the state after each step (0 past a sequence's length), and `hLast` [B, H]
 * @throws ShapeError, DTypeError; LimitError when H needs a larger workgroup than the device has (1,024 at WebGPU's default limits)
 *
 * Cho et al. 2014, https://arxiv.org/abs/1406.1078; the reset gate acts after the product, as in cuDNN and PyTorch.
 */
export function gru(
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: SequenceOptions = {},
): { y: Tensor; hLast: Tensor } {
  const sequence = checkSequence('gru', 3, gx, h0, u, bias, options);
  return scope(() => forward(sequence, gx, h0, u, bias, options));
}

function forward(
  sequence: Sequence,
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: SequenceOptions,
): { y: Tensor; hLast: Tensor } {
  const { B, T, H, constants, lengths } = sequence;
  const { gpu, dtype } = gx;
  const wide = noGrad(() => wholeVectors(u, H));
  const y = gpu.empty([B, T, H], dtype, 'gru');
  const hLast = gpu.empty([B, H], dtype, 'gru');
  const gates = gpu.empty([5, B, T, H], dtype, 'gru');
  dispatch(
    gpu,
    gruForward,
    { gx, h0, U: wide, bias, lengths: lengths ?? bias, y, hLast, gates },
    { B, T, H },
    workgroups(B),
    constants,
  );
  record({
    op: 'gru',
    inputs: [gx, h0, u, bias],
    outputs: [y, hLast],
    saved: [gates, wide, ...(lengths ? [lengths] : [])],
    backward: (dys, saved, needs) => backward(sequence, dys, saved, needs),
    plain: (gx, h0, u, bias) => gruPlain(gx as Tensor, h0 as Tensor, u as Tensor, bias as Tensor, options),
  });
  return { y, hLast };
}

function backward(
  { B, T, H, constants }: Sequence,
  dys: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  needs: readonly boolean[],
): (Tensor | RowSum | null)[] {
  const [gates, wide, lengths] = saved as [Tensor, Tensor, Tensor?];
  const { gpu, dtype } = gates;
  const dgx = gpu.empty([B, T, 3 * H], dtype, 'gru');
  const dgh = gpu.empty([B, T, 3 * H], dtype, 'gru');
  const dh0 = gpu.empty([B, H], dtype, 'gru');
  const [dy, dhLast] = dys;
  dispatch(
    gpu,
    gruBackward,
    { dy: dy ?? gates, dhLast: dhLast ?? gates, gates, U: wide, lengths: lengths ?? gates, dgx, dgh, dh0 },
    { B, T, H },
    workgroups(B),
    { ...constants, DY: !!dy, DH_LAST: !!dhLast },
  );
  const flat = reshape(dgh, [B * T, 3 * H]);
  const prev = () => reshape(slice(gates, [[4, 5]]), [B * T, H]);
  return [
    dgx,
    dh0,
    needs[2] ? rowSum('gru', [flat, prev()], (flat, prev) => matmul(flat, prev, { transposeA: true })) : null,
    needs[3] ? rowSum('bias', [flat], (flat) => sum(flat, { axis: 0 })) : null,
  ];
}
