// Whether a result is what a case expects: shape, dtype, and every element within the tolerance.
import { type DType, fromHalf, toHalf } from '../../host.ts';
import { elementOf, type HostTensor, type Mismatch, type Tolerance } from './case.ts';

/** What came back from the device. */
export interface Result {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: ArrayLike<number>;
}

/**
 * The type that stands for a source's type: the integers of 8, 16 and 64 bits are 32-bit ones of the same sign (equal values count as
 * equal), and float64 is f32. Types with no stand-in (bfloat16, int4, complex) are undefined.
 */
export const STANDS_FOR: Readonly<Record<string, DType>> = {
  float64: 'f32',
  float32: 'f32',
  float16: 'f16',
  int64: 'i32',
  int32: 'i32',
  int16: 'i32',
  int8: 'i32',
  uint64: 'u32',
  uint32: 'u32',
  uint16: 'u32',
  uint8: 'u32',
  bool: 'bool',
};

const scratch = new DataView(new ArrayBuffer(4));

/** A float's place among all floats of its width, in order; 0 and -0 share one. */
function place(x: number, half: boolean): number {
  if (half) {
    const bits = toHalf(x);
    return bits & 0x8000 ? -(bits & 0x7fff) : bits;
  }
  scratch.setFloat32(0, x);
  const bits = scratch.getInt32(0);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/**
 * How many representable numbers lie from `a` to `b`: 0 for equal numbers (0 and -0 are), 1 for neighbours, and so on across 0. The
 * largest finite number and infinity are neighbours; NaN is at no distance from NaN and infinitely far from all else.
 */
export function ulpDistance(a: number, b: number, dtype: DType): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.POSITIVE_INFINITY;
  if (dtype !== 'f32' && dtype !== 'f16') return Math.abs(a - b);
  return Math.abs(place(a, dtype === 'f16') - place(b, dtype === 'f16'));
}

/** The gap between `x` and the next larger f32 (f16) number in magnitude. */
function ulpOf(x: number, dtype: DType): number {
  const [mantissa, smallest] = dtype === 'f16' ? [10, -24] : [23, -149];
  return 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - mantissa, smallest);
}

/** The error of one element, and how much is allowed, in the tolerance's unit. */
function errorOf(got: number, want: number, dtype: DType, tolerance: Tolerance): { error: number; allowed: number } {
  const exact = dtype !== 'f32' && dtype !== 'f16';
  if (tolerance.metric === 'ulp') {
    const { value, scale } = tolerance;
    const fine = ulpDistance(got, want, dtype);
    const coarser = !exact && scale !== undefined && Math.abs(got - want) / ulpOf(scale, dtype);
    return { error: coarser !== false && coarser < fine ? coarser : fine, allowed: exact ? 0 : value };
  }
  if (got === want || (Number.isNaN(got) && Number.isNaN(want))) return { error: 0, allowed: 0 };
  // Nothing else is near an infinity or NaN.
  if (!Number.isFinite(want) || !Number.isFinite(got)) return { error: Number.POSITIVE_INFINITY, allowed: 0 };
  return { error: Math.abs(got - want), allowed: exact ? 0 : tolerance.atol + tolerance.rtol * Math.abs(want) };
}

/** An element in the precision of its type: literals of halves may have more digits. */
function expected(want: HostTensor, i: number): number {
  const value = elementOf(want, i);
  return want.dtype === 'float16' ? fromHalf(toHalf(value)) : value;
}

/** What is wrong with `got`, or null: another shape or dtype, or elements beyond the tolerance, the worst of which is named. */
export function compare(result: string, got: Result, want: HostTensor, tolerance: Tolerance): Mismatch | null {
  const shape = (s: readonly number[]) => `[${s.join(', ')}]`;
  if (got.shape.join() !== want.dims.join())
    return { result, message: `shape is ${shape(got.shape)}, should be ${shape(want.dims)}` };
  const dtype = want.dtype && STANDS_FOR[want.dtype];
  if (dtype && dtype !== got.dtype)
    return { result, message: `dtype is ${got.dtype}, should be ${dtype} (for ${want.dtype})` };

  let wrong = 0;
  let worst = { at: -1, error: 0, allowed: 0, excess: 0 };
  for (let i = 0; i < got.data.length; i++) {
    const { error, allowed } = errorOf(got.data[i] as number, expected(want, i), got.dtype, tolerance);
    if (error <= allowed) continue;
    wrong++;
    const excess = error / Math.max(allowed, 1e-30);
    if (excess > worst.excess) worst = { at: i, error, allowed, excess };
  }
  if (wrong === 0) return null;
  const unit = tolerance.metric === 'ulp' ? ' ULP' : '';
  const { at, error, allowed } = worst;
  return {
    result,
    error,
    message:
      `error ${brief(error)}${unit} is over ${brief(allowed)}${unit} at element ${at} of ${shape(want.dims)}: ` +
      `${got.data[at]}, should be ${elementOf(want, at)}${wrong > 1 ? ` (${wrong} of ${got.data.length} elements are wrong)` : ''}`,
  };
}

const brief = (x: number): string => (Number.isInteger(x) ? String(x) : x.toPrecision(3));
