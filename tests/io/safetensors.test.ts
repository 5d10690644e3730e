import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/index.ts';
import { anyFile, official } from './files.ts';

describe('a file of the official library', () => {
  it('is read', () => {
    const { tensors, metadata } = readSafetensors(official());
    expect(metadata).toEqual({ format: 'pt' });
    expect(Object.fromEntries(tensors)).toEqual({
      'b.weight': { dtype: 'F32', shape: [2, 3], data: Float32Array.of(-0.5, -0.25, 0, 0.25, 0.5, 0.75) },
      'a.half': { dtype: 'F16', shape: [5], data: Float32Array.of(1, -2.5, 65504, 2 ** -24, Infinity) },
      bf: { dtype: 'BF16', shape: [2], data: Float32Array.of(1.5, -3.140625) },
      d: { dtype: 'F64', shape: [], data: Float64Array.of(3.141592653589793) },
      ids: { dtype: 'I64', shape: [2, 1], data: BigInt64Array.of(-1n, 2n ** 60n) },
      u64: { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      i: { dtype: 'I32', shape: [2], data: Int32Array.of(-7, 7) },
      '\u{e000}': { dtype: 'U32', shape: [1], data: Uint32Array.of(1) },
      '😀': { dtype: 'U32', shape: [1], data: Uint32Array.of(2) },
      'é\n"\u0001\u007f': { dtype: 'I16', shape: [1], data: Int16Array.of(-3) },
      u16: { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
      i8: { dtype: 'I8', shape: [1], data: Int8Array.of(-128) },
      bytes: { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 127, 255) },
      mask: { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
      empty: { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
    });
  });

  it('is written again byte for byte, whatever the order', () => {
    const { tensors, metadata } = readSafetensors(official());
    expect(writeSafetensors([...tensors].reverse(), metadata)).toEqual(official());
    expect(writeSafetensors(Object.fromEntries(tensors), metadata)).toEqual(official());
  });

  it('is read the same from any offset of a larger buffer', () => {
    for (const offset of [1, 3, 8]) {
      const larger = new Uint8Array(official().length + 16);
      larger.set(official(), offset);
      const part = larger.subarray(offset, offset + official().length);
      expect(readSafetensors(part)).toEqual(readSafetensors(official()));
    }
    expect(readSafetensors(official().buffer)).toEqual(readSafetensors(official()));
  });
});

describe('writeSafetensors', () => {
  const one = { shape: [1], data: Float32Array.of(1) };

  it('chooses the type of the array, aligns every tensor and pads the header with spaces', () => {
    const bytes = writeSafetensors({ a: { shape: [3], data: Uint8Array.of(1, 2, 3) }, z: one });
    const text = new TextDecoder().decode(bytes.subarray(8, -7));
    expect(text.length % 8).toBe(0);
    expect(text.trimEnd()).toBe(
      '{"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}',
    );
    expect(readSafetensors(bytes).metadata).toEqual({});
  });

  it('rounds to F16 and BF16 where asked', () => {
    const data = Float32Array.of(1 / 3, 65519, 65520, -1e-9);
    const bytes = writeSafetensors({ h: { shape: [4], data, dtype: 'F16' }, b: { shape: [4], data, dtype: 'BF16' } });
    const { tensors } = readSafetensors(bytes);
    expect(tensors.get('h')?.data).toEqual(Float32Array.of(0.333251953125, 65504, Infinity, -0));
    expect(tensors.get('b')?.data).toEqual(Float32Array.of(0.333984375, 65536, 65536, -(1 + 9 / 128) * 2 ** -30));
  });

  it('takes arrays that are parts of a larger buffer', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      const { tensors } = readSafetensors(writeSafetensors({ a: { shape: [2], data, dtype } }));
      expect(tensors.get('a')?.data).toEqual(Float32Array.of(2, 3));
    }
  });

  const cases: [what: string, tensors: Record<string, unknown> | [string, unknown][], message: RegExp][] = [
    ['the name of the metadata', { __metadata__: one }, /tensor "__metadata__": this name stands for the metadata/],
    ['half a surrogate pair', { '\ud800': one }, /its name is not valid Unicode/],
    [
      'a name twice',
      [
        ['a', one],
        ['a', one],
      ],
      /two tensors have the same name/,
    ],
    ['a plain list', { a: { shape: [1], data: [1] } }, /tensor "a": data is not a typed array/],
    ['an unknown dtype', { a: { ...one, dtype: 'f32' } }, /tensor "a": dtype must be one of U64, .*, got "f32"/],
    [
      'a dtype of another array',
      { a: { ...one, dtype: 'I32' } },
      /tensor "a": dtype I32 needs a Int32Array, got Float32Array/,
    ],
    ['a shape that does not fit', { a: { ...one, shape: [2, 3] } }, /tensor "a": shape \[2,3\] has 6 elements, data 1/],
    ['a negative shape', { a: { ...one, shape: [-1] } }, /tensor "a": shape must be a list of sizes, got \[-1\]/],
    ['a shape of bigints', { a: { ...one, shape: [1n] } }, /tensor "a": shape must be a list of sizes, got \["1n"\]/],
    [
      'a BOOL of 2',
      { a: { shape: [1], data: Uint8Array.of(2), dtype: 'BOOL' } },
      /tensor "a": BOOL data must be 0 or 1/,
    ],
  ];
  for (const [what, tensors, message] of cases) {
    it(`rejects ${what}`, () => {
      const write = () => writeSafetensors(tensors as Record<string, TensorToWrite>);
      expect(write).toThrow(FormatError);
      expect(write).toThrow(message);
    });
  }

  it('rejects metadata that is not text', () => {
    expect(() => writeSafetensors({}, { a: 1 } as unknown as Record<string, string>)).toThrow(/not text at "a": 1/);
  });
});

const bitsOf = ({ data, dtype, shape }: TensorToWrite) => ({
  dtype,
  shape,
  bits: Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
});

describe('properties', () => {
  it('what is written is read back, to the bit', () => {
    fc.assert(
      fc.property(anyFile, ({ tensors, metadata }) => {
        const bytes = writeSafetensors(tensors, metadata);
        const back = readSafetensors(bytes);
        expect(back.metadata).toEqual(metadata);
        expect(new Set(back.tensors.keys())).toEqual(new Set(Object.keys(tensors)));
        for (const [name, tensor] of back.tensors)
          expect(bitsOf(tensor)).toEqual(bitsOf(tensors[name] as TensorToWrite));
        expect(writeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
      }),
    );
  });
});
