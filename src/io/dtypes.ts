// The element types of safetensors files.

/** In the order in which tensors are written: wide elements first, so that each tensor is aligned to its elements. */
export const DTYPES = {
  U64: { bytes: 8, array: BigUint64Array },
  I64: { bytes: 8, array: BigInt64Array },
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  U32: { bytes: 4, array: Uint32Array },
  I32: { bytes: 4, array: Int32Array },
  BF16: { bytes: 2, array: Float32Array },
  F16: { bytes: 2, array: Float32Array },
  U16: { bytes: 2, array: Uint16Array },
  I16: { bytes: 2, array: Int16Array },
  I8: { bytes: 1, array: Int8Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
} as const;
export const DTYPE_NAMES = Object.keys(DTYPES) as SafetensorsDType[];

export type SafetensorsDType = keyof typeof DTYPES;
/** F16 and BF16 are Float32Arrays, BOOL is a Uint8Array of 0 and 1, every other type the array of its name. */
export type SafetensorsData =
  | BigUint64Array
  | BigInt64Array
  | Float64Array
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

export function isDType(value: unknown): value is SafetensorsDType {
  return typeof value === 'string' && Object.hasOwn(DTYPES, value);
}
