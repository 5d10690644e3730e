import { ArgumentError, DTypeError, LimitError } from '../runtime/errors.ts';
import { grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkFloat, checkSameDType, checkShape } from './check.ts';
import { pad } from './slice.ts';

export interface SequenceOptions {
  /** [B], u32 or i32: the steps of each sequence; what lies past them is not read, gives y = 0 and leaves the state. Default T for all. */
  readonly lengths?: Tensor;
  /** Whether to run from the last element of each sequence to its first. */
  readonly reverse?: boolean;
}

export interface Sequence {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly constants: { readonly WG: number; readonly LENGTHS: boolean; readonly REVERSE: boolean };
  readonly lengths: Tensor | undefined;
}

/** Checks the arguments of a sequence op whose cell has `gates` gates. */
export function checkSequence(
  op: string,
  gates: number,
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: SequenceOptions,
): Sequence {
  const { lengths, reverse = false } = options;
  checkFloat(op, 'gx', gx);
  checkSameDType(op, { gx, h0, u, bias });
  checkShape(op, 'h0', h0, [-1, -1]);
  const [B, H] = h0.shape as [number, number];
  if (H === 0) throw new ArgumentError(op, 'the hidden size must be at least 1, got h0 with none');
  checkShape(op, 'gx', gx, [B, -1, gates * H]);
  checkShape(op, 'u', u, [gates * H, H]);
  checkShape(op, 'bias', bias, [gates * H]);
  if (lengths) {
    checkShape(op, 'lengths', lengths, [B]);
    if (lengths.dtype !== 'u32' && lengths.dtype !== 'i32')
      throw new DTypeError(op, `lengths must be u32 or i32, got ${lengths.dtype}`);
  }
  const WG = Math.ceil(H / 4);
  const { maxComputeWorkgroupSizeX, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = gx.gpu.limits;
  // An invocation and a 4 x 4 block of workgroup memory for each four units.
  const most = Math.min(
    maxComputeWorkgroupSizeX,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize / 64,
  );
  if (WG > most) throw new LimitError(op, `the hidden size may be at most ${4 * most} on this device, got ${H}`);
  const T = gx.shape[1] as number;
  return { B, T, H, constants: { WG, LENGTHS: lengths !== undefined, REVERSE: reverse }, lengths };
}

/** Workgroups for B sequences, four in each. */
export const workgroups = (B: number) => grid(B, 4);

/** The recurrent matrix with its rows padded to whole vec4s, as the kernels read it. */
export function wholeVectors(u: Tensor, H: number): Tensor {
  return H % 4 === 0
    ? u
    : pad(u, [
        [0, 0],
        [0, 4 - (H % 4)],
      ]);
}
