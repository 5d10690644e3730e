import { kvAppend } from '../../generated/kernels.ts';
import { type DType, describe } from '../../host.ts';
import { ArgumentError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { dispatch, grid } from '../../runtime/kernel.ts';
import { keep, scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { checkDType, checkShape } from '../check.ts';
import { pad, slice } from '../slice.ts';
import { type ScaledDotProductAttentionOptions, scaledDotProductAttention } from './scaled_dot_product.ts';

const wholeVec4s = (n: number) => 4 * Math.ceil(n / 4);

export interface KvCacheOptions {
  /** Sequences side by side; default 1. */
  readonly batch?: number;
  /** Heads of keys and values. */
  readonly heads: number;
  /** Keys that a sequence may have at most. */
  readonly capacity: number;
  /** Width of a head of keys, up to 256. */
  readonly keySize: number;
  /** Width of a head of values, up to 256; default `keySize`. */
  readonly valueSize?: number;
  /** Default f32. */
  readonly dtype?: 'f32' | 'f16';
}

/**
 * The keys and values of tokens that a decoder has seen, for `attentionDecode`: room for `capacity` of them for each sequence of a batch, each with a
 * length of its own. Appending writes in place, one dispatch; nothing is copied. What it holds has no gradient.
 */
export class KvCache {
  readonly gpu: Gpu;
  /** [B, H, capacity, D rounded up to a multiple of 4]; what lies past a length may be anything. */
  readonly keys: Tensor;
  /** [B, H, capacity, Dv rounded up to a multiple of 4] */
  readonly values: Tensor;
  readonly keySize: number;
  readonly valueSize: number;
  readonly capacity: number;
  #lengths: readonly number[];
  #onDevice: Tensor;

  /** @throws ArgumentError for sizes that are no whole numbers of at least 1 */
  constructor(gpu: Gpu, options: KvCacheOptions) {
    const { batch = 1, heads, capacity, keySize, valueSize = keySize, dtype = 'f32' } = options;
    for (const [name, n] of Object.entries({ batch, heads, capacity, keySize, valueSize })) {
      if (!Number.isInteger(n) || n < 1)
        throw new ArgumentError('KvCache', `${name} must be a whole number of at least 1, got ${n}`);
    }
    if ((dtype as DType) !== 'f32' && dtype !== 'f16')
      throw new ArgumentError('KvCache', `dtype must be f32 or f16, got ${dtype}`);
    this.gpu = gpu;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.capacity = capacity;
    const room = (width: number) => keep(gpu.empty([batch, heads, capacity, wholeVec4s(width)], dtype, 'KvCache'));
    this.keys = room(keySize);
    this.values = room(valueSize);
    this.#lengths = Array.from({ length: batch }, () => 0);
    this.#onDevice = this.#upload(this.#lengths);
  }

  /** The keys of each sequence. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** The same, u32[B], until the next change. */
  get lengthsOnDevice(): Tensor {
    return this.#onDevice;
  }

  /**
   * Puts keys and values behind those there are.
   *
   * @param k      [B, H, n, D], of the cache's dtype
   * @param v      [B, H, n, Dv]
   * @param counts how many of the n are each sequence's; default all
   * @throws ShapeError, DTypeError; ArgumentError when a sequence would be longer than the capacity. Then nothing is appended.
   */
  append(k: Tensor, v: Tensor, counts?: readonly number[]): void {
    const op = 'KvCache.append';
    const [B, heads] = this.keys.shape as [number, number];
    for (const [name, t] of Object.entries({ k, v })) checkDType(op, name, t, this.keys.dtype);
    checkShape(op, 'k', k, [B, heads, -1, this.keySize]);
    const rows = k.shape[2] as number;
    checkShape(op, 'v', v, [B, heads, rows, this.valueSize]);
    const added = counts ?? this.#lengths.map(() => rows);
    if (added.length !== B || added.some((n) => !Number.isInteger(n) || n < 0 || n > rows))
      throw new ArgumentError(op, `counts must be ${B} whole numbers in [0, ${rows}], got [${added.join(', ')}]`);
    const next = this.#lengths.map((n, b) => n + (added[b] as number));
    const full = next.findIndex((n) => n > this.capacity);
    if (full >= 0)
      throw new ArgumentError(
        op,
        `sequence ${full} would have ${next[full]} keys, more than the capacity of ${this.capacity}`,
      );
    const { keys, values, capacity } = this;
    const [wide, wideV] = [keys.shape[3], values.shape[3]] as [number, number];
    const countK = B * heads * rows * wide;
    const count = countK + B * heads * rows * wideV;
    const ends = this.#upload(next);
    const sizes = { heads, rows, capacity, d: this.keySize, wide, dv: this.valueSize, wideV, countK, count };
    dispatch(this.gpu, kvAppend, { k, v, starts: this.#onDevice, ends, keys, values }, sizes, grid(count, 64), {
      WG: 64,
    });
    this.#set(next, ends);
  }

  /**
   * Forgets keys from the end, to decode again from there (speculative decoding, another prompt).
   *
   * @param lengths the keys that each sequence keeps, or one number for all; those that have fewer keep what they have
   * @throws ArgumentError for what is no whole number of at least 0
   */
  truncate(lengths: number | readonly number[]): void {
    const wanted = typeof lengths === 'number' ? this.#lengths.map(() => lengths) : lengths;
    if (wanted.length !== this.#lengths.length || wanted.some((n) => !Number.isInteger(n) || n < 0))
      throw new ArgumentError(
        'KvCache.truncate',
        `lengths must be ${this.#lengths.length} whole numbers of at least 0, or one, got [${wanted.join(', ')}]`,
      );
    const next = this.#lengths.map((n, b) => Math.min(n, wanted[b] as number));
    this.#set(next, this.#upload(next));
  }

  dispose(): void {
    for (const t of [this.keys, this.values, this.#onDevice]) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #upload(lengths: readonly number[]): Tensor {
    return keep(this.gpu.tensor(Uint32Array.from(lengths)));
  }

  #set(lengths: readonly number[], onDevice: Tensor): void {
    this.#onDevice.dispose();
    this.#onDevice = onDevice;
    this.#lengths = lengths;
  }
}

export type AttentionDecodeOptions = Omit<
  ScaledDotProductAttentionOptions,
  'layout' | 'alignment' | 'keyLengths' | 'dropout' | 'returnLse' | 'returnWeights'
>;

/**
 * Attention of a few new queries over a cache, whose last keys are the queries' own: `scaledDotProductAttention` with `alignment: 'lower-right'` over
 * the keys there are. Long caches are read in ranges side by side, which are then put together by their lse.
 *
 * @param q       [B, H, L, D], H a multiple of the cache's heads; one query or a few (any number works)
 * @param options those of `scaledDotProductAttention`; `isCausal` is true if not given: query i of L sees all but the last L - 1 - i keys.
 *                `queryLengths` where sequences had different `counts` appended
 * @returns [B, H, L, Dv]; differentiable by q, and by a float mask and sinks
 * @throws ShapeError, DTypeError, ArgumentError
 */
export function attentionDecode(q: Tensor, cache: KvCache, options: AttentionDecodeOptions = {}): Tensor {
  const op = 'attentionDecode';
  const [B, heads] = cache.keys.shape as [number, number];
  checkShape(op, 'q', q, [B, -1, -1, cache.keySize]);
  if ((q.shape[1] as number) % heads !== 0)
    throw new ArgumentError(op, `the heads of q must be a multiple of the cache's ${heads}, got ${describe(q)}`);
  return scope(() => {
    const more = wholeVec4s(cache.keySize) - cache.keySize;
    const wide =
      more > 0
        ? pad(q, [
            [0, 0],
            [0, 0],
            [0, 0],
            [0, more],
          ])
        : q;
    const output = scaledDotProductAttention(wide, cache.keys, cache.values, {
      scale: 1 / Math.sqrt(cache.keySize),
      isCausal: true,
      ...options,
      alignment: 'lower-right',
      keyLengths: cache.lengthsOnDevice,
    });
    return cache.valueSize % 4 === 0 ? output : slice(output, [null, null, null, [0, cache.valueSize]]);
  });
}
