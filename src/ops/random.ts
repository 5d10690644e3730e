import { advance as advanceKernel, normal, randomInt, uniform as uniformKernel } from '../generated/kernels.ts';
import { fromHalf, type Shape, toHalf } from '../host.ts';
import { philoxWords, split64 } from '../random/philox.ts';
import { ArgumentError, DTypeError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { dispatch, grid } from '../runtime/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { checkDType, checkOptions, checkShape } from './check.ts';

/**
 * Which random numbers: element i of a tensor is element `offset + i` of the stream of `seed` (Philox4x32-10, see src/random/philox.ts), on
 * every adapter.
 */
export interface Stream {
  /** A whole number in [0, 2^53). Different seeds are different streams. */
  readonly seed: number;
  /** Where in the stream to begin; a whole number, default 0. */
  readonly offset?: number;
  /**
   * u32[1], a number on the device that picks one of 2^32 streams of this seed (without it, that of 0): randomness that changes from step to
   * step though the call does not, such as an optimiser's `steps`. See `advance`.
   */
  readonly state?: Tensor | undefined;
}

type FloatType = 'f32' | 'f16';

/**
 * Uniform random numbers in [low, high): low + (high - low) u, u a multiple of 2^-24. In f32 the same bits on every adapter.
 *
 * @param shape   of the result
 * @param options which stream; `low` = 0, `high` = 1, `dtype` = 'f32' (or 'f16')
 * @returns a tensor of `shape`
 * @throws ArgumentError when seed or offset are not whole numbers in range, or low >= high; DTypeError
 */
export function uniform(
  gpu: Gpu,
  shape: Shape,
  options: Stream & { readonly low?: number; readonly high?: number; readonly dtype?: FloatType },
): Tensor {
  checkOptions('uniform', options, 'seed');
  const { low = 0, high = 1, dtype = 'f32' } = options;
  checkType('uniform', dtype, 'f32', 'f16');
  const [l, h] = [Math.fround(low), Math.fround(high)];
  const span = Math.fround(h - l);
  if (!(l < h) || !Number.isFinite(span))
    throw new ArgumentError('uniform', `low must be below high, both finite, got [${low}, ${high})`);
  const out = gpu.empty(shape, dtype, 'uniform');
  const { quads, ...where } = locate('uniform', options, out.size);
  const last = dtype === 'f16' ? fromHalf(belowHalf(h)) : below(h);
  withState('uniform', gpu, options.state, (state, constants) => {
    dispatch(
      gpu,
      uniformKernel,
      { state, out },
      { ...where, low: l, span, last, zero: 0 },
      grid(quads, 256),
      constants,
    );
  });
  return out;
}

/**
 * Normal random numbers, mean + std z, by Box and Muller's transform of pairs of the stream's words; |z| is below 6.7. On every adapter the
 * same up to a few units in the last place.
 *
 * @param shape   of the result
 * @param options which stream; `mean` = 0, `std` = 1, `dtype` = 'f32' (or 'f16')
 * @returns a tensor of `shape`
 * @throws ArgumentError when seed or offset are not whole numbers in range, std is negative, or mean or std are not finite
 */
export function randn(
  gpu: Gpu,
  shape: Shape,
  options: Stream & { readonly mean?: number; readonly std?: number; readonly dtype?: FloatType },
): Tensor {
  checkOptions('randn', options, 'seed');
  const { mean = 0, std = 1, dtype = 'f32' } = options;
  checkType('randn', dtype, 'f32', 'f16');
  if (!Number.isFinite(mean)) throw new ArgumentError('randn', `mean must be finite, got ${mean}`);
  if (!(std >= 0) || !Number.isFinite(std)) throw new ArgumentError('randn', `std must be finite and >= 0, got ${std}`);
  const out = gpu.empty(shape, dtype, 'randn');
  const { quads, ...where } = locate('randn', options, out.size);
  withState('randn', gpu, options.state, (state, constants) => {
    dispatch(gpu, normal, { state, out }, { ...where, mean, deviation: std }, grid(quads, 256), constants);
  });
  return out;
}

/**
 * Random whole numbers in [low, high): low + floor(w (high - low) / 2^32) for the stream's words w.
 *
 * @param shape   of the result
 * @param options which stream; `low` = 0, `high`, `dtype` = 'i32' (or 'u32')
 * @returns a tensor of `shape`, the same on every adapter
 * @throws ArgumentError when the range is empty or does not fit the dtype
 */
export function randint(
  gpu: Gpu,
  shape: Shape,
  options: Stream & { readonly low?: number; readonly high: number; readonly dtype?: 'i32' | 'u32' },
): Tensor {
  checkOptions('randint', options, 'seed and high');
  const { low = 0, high, dtype = 'i32' } = options;
  checkType('randint', dtype, 'i32', 'u32');
  const [least, most] = dtype === 'i32' ? [-(2 ** 31), 2 ** 31] : [0, 2 ** 32];
  if (!Number.isInteger(low) || !Number.isInteger(high) || low >= high || low < least || high > most) {
    throw new ArgumentError(
      'randint',
      `low and high must be whole numbers with ${least} <= low < high <= ${most}, got [${low}, ${high})`,
    );
  }
  const out = gpu.empty(shape, dtype, 'randint');
  const { quads, ...where } = locate('randint', options, out.size);
  withState('randint', gpu, options.state, (state, constants) => {
    dispatch(gpu, randomInt, { state, out }, { ...where, low, range: high - low }, grid(quads, 256), constants);
  });
  return out;
}

/**
 * The numbers 0 to n - 1 in random order (Fisher and Yates' shuffle, made on the host), to `gather` shuffled rows with.
 *
 * @returns i32[n]
 */
export function permutation(gpu: Gpu, n: number, options: Omit<Stream, 'state'>): Tensor {
  if (!Number.isInteger(n) || n < 0) throw new ArgumentError('permutation', `n must be a whole number >= 0, got ${n}`);
  checkOptions('permutation', options, 'seed');
  locate('permutation', options, n);
  const words = philoxWords(options.seed, options.offset ?? 0, n);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(((words[i] as number) * (i + 1)) / 2 ** 32);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return gpu.tensor(order, [n]);
}

/** Adds 1 to a `state`, in place: all that is drawn from it afterwards is new. Not between a forward pass and its backward pass. */
export function advance(state: Tensor): void {
  checkState('advance', state);
  dispatch(state.gpu, advanceKernel, { state }, {}, 1);
}

/** @internal The stream's numbers as the kernels take them, and how many blocks of four words a tensor of `size` touches. */
export function locate(op: string, { seed, offset = 0 }: Stream, size: number) {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(op, `seed must be a whole number in [0, 2^53), got ${seed}`);
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(offset + size)) {
    throw new ArgumentError(op, `offset must be a whole number in [0, 2^53 - ${size}], got ${offset}`);
  }
  const shift = offset % 4;
  const quads = size === 0 ? 0 : Math.ceil((shift + size) / 4);
  return { size, shift, first: [...split64((offset - shift) / 4), 0, 0], key: [...split64(seed), 0, 0], quads };
}

/** @internal Runs `f` with the state to bind, and the constant that says whether it is read. */
export function withState(
  op: string,
  gpu: Gpu,
  state: Tensor | undefined,
  f: (state: Tensor, constants: { readonly STATE: boolean }) => void,
): void {
  if (state) {
    checkState(op, state);
    f(state, { STATE: true });
  } else {
    using unread = gpu.empty([1], 'u32', op);
    f(unread, { STATE: false });
  }
}

function checkType(op: string, dtype: string, ...known: string[]): void {
  if (!known.includes(dtype)) throw new DTypeError(op, `dtype must be ${known.join(' or ')}, got ${dtype}`);
}

function checkState(op: string, state: Tensor): void {
  checkDType(op, 'state', state, 'u32');
  checkShape(op, 'state', state, [1]);
}

/** The next f32 below x. */
function below(x: number): number {
  const f = new Float32Array([x]);
  const bits = new Int32Array(f.buffer);
  if (x === 0) return -(2 ** -149);
  bits[0] = (bits[0] as number) + (x > 0 ? -1 : 1);
  return f[0] as number;
}

/** The bits of the largest f16 below x. */
function belowHalf(x: number): number {
  const bits = toHalf(x);
  if (fromHalf(bits) < x) return bits;
  if (x === 0) return 0x8001;
  return x > 0 ? bits - 1 : bits + 1;
}
