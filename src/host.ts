import { DTypeError, ShapeError } from './runtime/errors.ts';

/** f32; f16 (storage only, sums are f32); i32; u32; bool (bytes of 0 and 1). */
export type DType = 'f32' | 'f16' | 'i32' | 'u32' | 'bool';
export type Shape = readonly number[];
export type NestedArray<T> = T | readonly NestedArray<T>[];
export type HostArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array;
export type TensorData = NestedArray<number | boolean> | HostArray;
/** What `tensor.data()` gives: f32 and f16 as Float32Array, bool as Uint8Array of 0 and 1. */
export interface DataOf {
  f32: Float32Array<ArrayBuffer>;
  f16: Float32Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

const BYTES: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, u32: 4, bool: 1 };

/** The number of elements of a shape. */
export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
/** The number of 32-bit words that hold a tensor. */
export const words = (shape: Shape, dtype: DType): number => Math.ceil((sizeOf(shape) * BYTES[dtype]) / 4);
/** `f32[2, 3]`, as errors name a tensor. */
export const describe = (t: { readonly dtype: DType; readonly shape: Shape }): string =>
  `${t.dtype}[${t.shape.join(', ')}]`;

/** Throws unless `dtype` is one. */
export function checkDTypeName(op: string, dtype: DType): void {
  if (!Object.hasOwn(BYTES, dtype))
    throw new DTypeError(op, `dtype must be one of ${Object.keys(BYTES).join(', ')}, got ${String(dtype)}`);
}

/** Throws unless `shape` is one that a tensor can have. */
export function checkSizes(op: string, shape: Shape): void {
  if (!Array.isArray(shape)) throw new ShapeError(op, `shape must be an array of whole numbers, got ${String(shape)}`);
  if (shape.length > 8) throw new ShapeError(op, `shape must have at most 8 dimensions, got [${shape.join(', ')}]`);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new ShapeError(op, `shape must hold whole numbers >= 0, got [${shape.join(', ')}]`);
}

/** Checks `data` against shape and dtype and gives it as device bytes, padded to whole words. */
export function fromData(op: string, data: TensorData, shape: Shape | undefined, dtype: DType | undefined) {
  if (shape) checkSizes(op, shape);
  if (dtype !== undefined) checkDTypeName(op, dtype);
  if ((data as unknown) instanceof DataView) throw new DTypeError(op, 'data must be numbers, got a DataView');
  const typed = ArrayBuffer.isView(data);
  const nested = typed ? [data.length] : shapeOf(op, data);
  const flat = typed ? data : flatten(data, nested);
  const size = sizeOf(shape ?? nested);
  if (size !== flat.length) {
    throw new ShapeError(op, `shape [${(shape ?? nested).join(', ')}] holds ${size} elements, data has ${flat.length}`);
  }
  const type = dtype ?? defaultDType(flat);
  return { shape: [...(shape ?? nested)], dtype: type, bytes: encode(op, flat, type) };
}

function shapeOf(op: string, data: NestedArray<number | boolean>): number[] {
  if (!Array.isArray(data)) return [];
  if (!data.some(Array.isArray)) return [data.length];
  const inner = data.map((d) => shapeOf(op, d));
  const ragged = inner.find((s) => s.join() !== inner[0]?.join());
  if (ragged)
    throw new ShapeError(
      op,
      `data must not be ragged, got rows of shape [${inner[0]?.join(', ')}] and [${ragged.join(', ')}]`,
    );
  return [data.length, ...(inner[0] ?? [])];
}

function flatten(data: NestedArray<number | boolean>, shape: Shape): (number | boolean)[] {
  return Array.isArray(data) ? (data.flat(shape.length) as (number | boolean)[]) : [data as number | boolean];
}

function defaultDType(flat: HostArray | readonly (number | boolean)[]): DType {
  if (Array.isArray(flat)) return flat.length > 0 && flat.every((v) => typeof v === 'boolean') ? 'bool' : 'f32';
  if (flat instanceof Float32Array || flat instanceof Float64Array) return 'f32';
  if (
    flat instanceof Uint8Array ||
    flat instanceof Uint8ClampedArray ||
    flat instanceof Uint16Array ||
    flat instanceof Uint32Array
  )
    return 'u32';
  return 'i32';
}

const RANGE: Readonly<Record<'i32' | 'u32' | 'bool', readonly [number, number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  bool: [0, 1],
};

function encode(op: string, flat: HostArray | readonly (number | boolean)[], dtype: DType): Uint8Array<ArrayBuffer> {
  const out = new ArrayBuffer(Math.ceil((flat.length * BYTES[dtype]) / 4) * 4);
  const view = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array }[dtype];
  const target = new view(out, 0, flat.length);
  for (let i = 0; i < flat.length; i++) {
    const raw = flat[i];
    const v = Number(raw);
    if (typeof raw !== 'number' && typeof raw !== 'boolean' && typeof raw !== 'bigint') {
      throw new DTypeError(op, `data must hold numbers or booleans, got ${typeof raw} at element ${i}`);
    }
    if (dtype !== 'f32' && dtype !== 'f16') {
      const [lo, hi] = RANGE[dtype];
      if (!Number.isInteger(v) || v < lo || v > hi)
        throw new DTypeError(
          op,
          `data must hold ${dtype === 'bool' ? 'booleans, 0 or 1' : `${dtype} values`}, got ${v} at element ${i}`,
        );
    }
    target[i] = dtype === 'f16' ? toHalf(v) : v;
  }
  return new Uint8Array(out);
}

/** Device bytes as the typed array of their dtype. */
export function decode<D extends DType>(bytes: ArrayBuffer, dtype: D, size: number): DataOf[D] {
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(bytes, 0, size), fromHalf) as DataOf[D];
  const view = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array }[dtype];
  return new view(bytes, 0, size) as DataOf[D];
}

/** Flat data as nested arrays of `shape`; a scalar is itself. */
export function nest<T>(data: ArrayLike<T>, shape: Shape): NestedArray<T> {
  let at = 0;
  const build = (axis: number): NestedArray<T> =>
    axis === shape.length ? (data[at++] as T) : Array.from({ length: shape[axis] as number }, () => build(axis + 1));
  return build(0);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The nearest IEEE 754 half, ties to even, from a double (not by way of f32, which would round twice). */
export function toHalf(x: number): number {
  scratch.setFloat64(0, x);
  const sign = (scratch.getUint16(0) & 0x8000) >>> 0;
  const a = Math.abs(x);
  if (Number.isNaN(x)) return sign | 0x7e00;
  if (a >= 65520) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | roundEven(a * 2 ** 24);
  const exponent = Math.floor(Math.log2(a));
  const e = a < 2 ** exponent ? exponent - 1 : a >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  return sign | (((e + 15) << 10) + roundEven((a / 2 ** e - 1) * 1024));
}

function roundEven(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The value of an IEEE 754 half. */
export function fromHalf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const e = (h >> 10) & 0x1f;
  const m = h & 0x3ff;
  if (e === 0x1f) return m ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15));
}
