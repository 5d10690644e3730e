// Files for the tests of safetensors.

import fc from 'fast-check';
import { readSafetensors, type TensorToWrite } from '../../src/io/index.ts';

// Made with version 0.8.0 of the format's own library: every type, an empty tensor, a scalar, names that need escapes.
const OFFICIAL = [
  'kAMAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJ1NjQiOnsiZHR5cGUiOiJVNjQiLCJzaGFwZSI6WzFdLCJkYXRhX29mZn',
  'NldHMiOlswLDhdfSwiaWRzIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyLDFdLCJkYXRhX29mZnNldHMiOls4LDI0XX0sImQiOnsiZHR5cGUi',
  'OiJGNjQiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzI0LDMyXX0sImIud2VpZ2h0Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDNdLC',
  'JkYXRhX29mZnNldHMiOlszMiw1Nl19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCw0XSwiZGF0YV9vZmZzZXRzIjpbNTYsNTZd',
  'fSwi7oCAIjp7ImR0eXBlIjoiVTMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNTYsNjBdfSwi8J+YgCI6eyJkdHlwZSI6IlUzMiIsIn',
  'NoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzYwLDY0XX0sImkiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls2',
  'NCw3Ml19LCJiZiI6eyJkdHlwZSI6IkJGMTYiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls3Miw3Nl19LCJhLmhhbGYiOnsiZHR5cGUiOi',
  'JGMTYiLCJzaGFwZSI6WzVdLCJkYXRhX29mZnNldHMiOls3Niw4Nl19LCJ1MTYiOnsiZHR5cGUiOiJVMTYiLCJzaGFwZSI6WzFdLCJkYXRhX29m',
  'ZnNldHMiOls4Niw4OF19LCLDqVxuXCJcdTAwMDF/Ijp7ImR0eXBlIjoiSTE2Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbODgsOTBdfS',
  'wiaTgiOnsiZHR5cGUiOiJJOCIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzkwLDkxXX0sImJ5dGVzIjp7ImR0eXBlIjoiVTgiLCJzaGFw',
  'ZSI6WzNdLCJkYXRhX29mZnNldHMiOls5MSw5NF19LCJtYXNrIjp7ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6Wz',
  'k0LDk3XX19ICAgICD/////////////////////AAAAAAAAABAYLURU+yEJQAAAAL8AAIC+AAAAAAAAgD4AAAA/AABAPwEAAAACAAAA+f///wcA',
  'AADAP0nAADwAwf97AQAAfP///f+AAH//AQAB',
];

export const official = () => Uint8Array.from(atob(OFFICIAL.join('')), (c) => c.charCodeAt(0));

/** A file with this header and this many bytes of data. */
export function file(header: string | object, dataLength = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

export const entry = (begin: number, end: number, dtype = 'U8', shape = [end - begin]) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** Bytes of any kind: NaNs with payloads, infinities and subnormals come with them. */
const anyTensor: fc.Arbitrary<TensorToWrite> = fc
  .record({
    dtype: fc.constantFrom('U64', 'I64', 'F64', 'F32', 'U32', 'I32', 'BF16', 'F16', 'U16', 'I16', 'I8', 'U8', 'BOOL'),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 64 * 8, maxLength: 64 * 8 }),
  })
  .map(({ dtype, shape, seed }) => {
    const header = JSON.stringify({ t: { dtype, shape, data_offsets: [0, size(dtype, shape)] } });
    const bytes = file(header, size(dtype, shape));
    const data = seed.subarray(0, size(dtype, shape));
    bytes.set(dtype === 'BOOL' ? data.map((b) => b & 1) : data, bytes.length - data.length);
    return readSafetensors(bytes).tensors.get('t') as TensorToWrite;
  });

function size(dtype: string, shape: number[]): number {
  const bits = dtype === 'BOOL' ? 8 : Number(/\d+$/.exec(dtype)?.[0]);
  return shape.reduce((product, n) => product * n, bits / 8);
}

export const anyFile = fc.record({
  tensors: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 6 }), anyTensor, { maxKeys: 6 }),
  metadata: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
});
