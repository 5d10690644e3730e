// The safetensors format (https://github.com/huggingface/safetensors#format): the length of the header as a
// little-endian u64, the header as JSON, the tensors' bytes, row-major and little-endian, without holes.

import { FoveaError } from '../runtime/errors.ts';
import { DTYPE_NAMES, DTYPES, isDType, type SafetensorsData, type SafetensorsDType } from './dtypes.ts';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from './half.ts';
import { duplicateKey } from './json.ts';

const HEADER_LIMIT = 100_000_000;

/** A file that is not valid safetensors, or tensors that cannot be written as such. */
export class FormatError extends FoveaError {
  override readonly name = 'FormatError';
}

export interface SafetensorsTensor {
  dtype: SafetensorsDType;
  shape: number[];
  data: SafetensorsData;
}

export interface SafetensorsFile {
  /** By name, in the order of their bytes in the file. */
  tensors: Map<string, SafetensorsTensor>;
  metadata: Record<string, string>;
}

/** What `writeSafetensors` takes for a tensor; without a `dtype` it is the one that the array has in the file. */
export interface TensorToWrite {
  shape: readonly number[];
  data: SafetensorsData;
  dtype?: SafetensorsDType | undefined;
}

interface Entry {
  name: string;
  dtype: SafetensorsDType;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * Reads a whole file. `data` is a view of `bytes` where alignment allows, a copy otherwise.
 * Throws a FormatError that names what is wrong, and the tensor, for anything the format does not allow.
 */
export function readSafetensors(bytes: ArrayBuffer | Uint8Array): SafetensorsFile {
  // A new view even of a Uint8Array: it may be a Buffer, whose slice() does not copy.
  const file = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
  const { header, dataStart } = readHeader(file);
  const data = file.subarray(dataStart);
  let metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [name, info] of Object.entries(header)) {
    if (name === '__metadata__') metadata = checkMetadata(info, malformed);
    else entries.push(checkEntry(name, info, data.length));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkTiling(entries, data.length);
  return { tensors: new Map(entries.map((entry) => [entry.name, readTensor(data, entry)])), metadata };
}

/**
 * The bytes of a file with these tensors: byte for byte what the format's own library writes (wider types first, then
 * by name, header padded with spaces to 8 bytes). F16 and BF16 round to the nearest value, ties to even.
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>> | Iterable<readonly [string, TensorToWrite]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const named = Symbol.iterator in tensors ? [...tensors] : Object.entries(tensors);
  const entries = layOut(named.map(([name, tensor]) => ({ name, tensor, dtype: checkTensor(name, tensor) })));
  const names = new Set(entries.map(({ name }) => name));
  if (names.size < entries.length) throw unwritable('two tensors have the same name');
  const parts = entries.map(({ name, dtype, tensor, begin, end }) => {
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: tensor.shape, data_offsets: [begin, end] })}`;
  });
  if (metadata) parts.unshift(`"__metadata__":${JSON.stringify(checkMetadata(metadata, unwritable))}`);
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > HEADER_LIMIT) {
    throw unwritable(`the header has ${headerLength} bytes, at most ${HEADER_LIMIT} are allowed`);
  }
  const dataStart = 8 + headerLength;
  const file = new Uint8Array(dataStart + (entries.at(-1)?.end ?? 0)).fill(0x20, 8, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, 8);
  for (const { tensor, dtype, begin } of entries) file.set(toBytes(tensor.data, dtype), dataStart + begin);
  return file;
}

function readHeader(file: Uint8Array): { header: object; dataStart: number } {
  if (file.length < 8) throw malformed(`the file has ${file.length} bytes, too few for the length of the header (8)`);
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > HEADER_LIMIT) throw malformed(`the header claims ${length} bytes, at most ${HEADER_LIMIT} are allowed`);
  const dataStart = 8 + Number(length);
  if (dataStart > file.length) {
    throw malformed(`the header claims ${length} bytes, but the file has ${file.length - 8} after its length`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file.subarray(8, dataStart));
  } catch {
    throw malformed('the header is not valid UTF-8');
  }
  if (!text.startsWith('{')) throw malformed("the header is not a JSON object: it does not begin with '{'");
  let header: object;
  try {
    header = JSON.parse(text);
  } catch {
    throw malformed('the header is not valid JSON');
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw malformed(`the header has the key ${excerpt(twice)} twice`);
  return { header, dataStart };
}

function checkMetadata(value: unknown, error: typeof malformed): Record<string, string> {
  if (!isRecord(value)) throw error('__metadata__ is not an object of strings');
  for (const [key, text] of Object.entries(value)) {
    if (!isText(key) || !isText(text)) throw error(`__metadata__ is not text at ${excerpt(key)}: ${excerpt(text)}`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, info: unknown, available: number): Entry {
  if (!isText(name)) throw malformed('its name is not valid Unicode', name);
  if (!isRecord(info)) throw malformed('its entry is not an object', name);
  const { dtype, shape, data_offsets: offsets } = info;
  if (!isDType(dtype)) {
    throw malformed(`its dtype is ${excerpt(dtype)}, known are ${DTYPE_NAMES.join(', ')}`, name);
  }
  if (!isSizes(shape)) {
    throw malformed(`its shape is ${excerpt(shape)}, not a list of sizes (integers from 0 to 2^53 - 1)`, name);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw malformed(`its data_offsets are ${excerpt(offsets)}, not two integers from 0 to 2^53 - 1`, name);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw malformed(`its data_offsets begin at ${begin} and end before, at ${end}`, name);
  if (end > available) {
    throw malformed(`its data_offsets end at ${end}, but the file has ${available} bytes of data`, name);
  }
  const needed = elements(shape) * DTYPES[dtype].bytes;
  if (needed !== end - begin) {
    throw malformed(`it has ${end - begin} bytes, but ${dtype} of shape ${excerpt(shape)} takes ${needed}`, name);
  }
  return { name, dtype, shape, begin, end };
}

/** Every byte belongs to one tensor: a file cannot hide another one, nor take more memory than its own length. */
function checkTiling(entries: Entry[], total: number): void {
  let covered = 0;
  let last = '';
  for (const { name, begin, end } of entries) {
    if (begin < covered) throw malformed(`its bytes from ${begin} on overlap those of tensor ${excerpt(last)}`, name);
    if (begin > covered) throw malformed(`it begins at ${begin}, and no tensor has the bytes from ${covered} on`, name);
    covered = end;
    last = name;
  }
  if (covered < total) {
    throw malformed(`the file has ${total} bytes of data, of which no tensor has those from ${covered} on`);
  }
}

function readTensor(data: Uint8Array, { name, dtype, shape, begin, end }: Entry): SafetensorsTensor {
  const bytes = data.subarray(begin, end);
  if (dtype === 'BOOL') {
    const bad = bytes.findIndex((byte) => byte > 1);
    if (bad >= 0) {
      throw malformed(`it is BOOL and has the value ${bytes[bad]} at element ${bad}, neither 0 nor 1`, name);
    }
  }
  if (dtype === 'F16') return { dtype, shape, data: widen(bytes, widenF16) };
  if (dtype === 'BF16') return { dtype, shape, data: widen(bytes, widenBF16) };
  return { dtype, shape, data: viewOf<SafetensorsData>(DTYPES[dtype].array, bytes) };
}

interface ArrayType<T> {
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

function viewOf<T>(Type: ArrayType<T>, bytes: Uint8Array): T {
  const { buffer, byteOffset } = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, bytes.length / Type.BYTES_PER_ELEMENT);
}

function widen(bytes: Uint8Array, toF32: (bits: number) => number): Float32Array {
  return new Float32Array(Uint32Array.from(viewOf(Uint16Array, bytes), toF32).buffer);
}

function toBytes(data: SafetensorsData, dtype: SafetensorsDType): Uint8Array {
  if (dtype !== 'F16' && dtype !== 'BF16') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return new Uint8Array(Uint16Array.from(bits, dtype === 'F16' ? narrowF16 : narrowBF16).buffer);
}

/** The dtype that a tensor is written with, once all about it is checked. */
function checkTensor(name: string, { data, shape, dtype }: TensorToWrite): SafetensorsDType {
  if (name === '__metadata__') throw unwritable('this name stands for the metadata', name);
  if (!isText(name)) throw unwritable('its name is not valid Unicode', name);
  const own = DTYPE_NAMES.find((key) => data instanceof DTYPES[key].array);
  if (own === undefined) throw unwritable('data is not a typed array that the format has', name);
  const type = dtype ?? own;
  if (!isDType(type)) throw unwritable(`dtype must be one of ${DTYPE_NAMES.join(', ')}, got ${excerpt(type)}`, name);
  const { array } = DTYPES[type];
  if (!(data instanceof array)) {
    throw unwritable(`dtype ${type} needs a ${array.name}, got ${data.constructor.name}`, name);
  }
  if (!isSizes(shape)) throw unwritable(`shape must be a list of sizes, got ${excerpt(shape)}`, name);
  if (elements(shape) !== data.length) {
    throw unwritable(`shape ${excerpt(shape)} has ${elements(shape)} elements, data ${data.length}`, name);
  }
  if (type === 'BOOL' && data.some((value) => value > 1)) throw unwritable('BOOL data must be 0 or 1', name);
  return type;
}

function layOut<T extends { name: string; dtype: SafetensorsDType; tensor: TensorToWrite }>(tensors: T[]) {
  const rank = (tensor: T) => DTYPE_NAMES.indexOf(tensor.dtype);
  let end = 0;
  return tensors
    .sort((a, b) => rank(a) - rank(b) || compareCodePoints(a.name, b.name))
    .map((tensor) => {
      const begin = end;
      end += tensor.tensor.data.length * DTYPES[tensor.dtype].bytes;
      return { ...tensor, begin, end };
    });
}

/** The order of UTF-8 bytes; `<` on strings puts the letters above U+FFFF before those from U+E000 on. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const i = left.findIndex((letter, k) => letter !== right[k]);
  if (i < 0) return left.length - right.length;
  return (left[i]?.codePointAt(0) ?? -1) - (right[i]?.codePointAt(0) ?? -1);
}

function elements(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));
}

/** Whether UTF-8 can express it: no half of a surrogate pair stands alone. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value);
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function malformed(message: string, tensor?: string): FormatError {
  return new FormatError('readSafetensors', tensor === undefined ? message : `tensor ${excerpt(tensor)}: ${message}`);
}

function unwritable(message: string, tensor?: string): FormatError {
  return new FormatError('writeSafetensors', tensor === undefined ? message : `tensor ${excerpt(tensor)}: ${message}`);
}
