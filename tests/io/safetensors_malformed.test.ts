import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, readSafetensors, writeSafetensors } from '../../src/io/index.ts';
import { anyFile, entry, file } from './files.ts';

function withLength(length: bigint): Uint8Array {
  const bytes = file({});
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

describe('readSafetensors rejects', () => {
  const cases: [what: string, bytes: Uint8Array, message: RegExp][] = [
    ['an empty file', new Uint8Array(0), /the file has 0 bytes, too few/],
    ['fewer than 8 bytes', new Uint8Array(7), /the file has 7 bytes, too few/],
    ['a header beyond the file', withLength(3n), /the header claims 3 bytes, but the file has 2/],
    ['a header over the limit', withLength(100_000_001n), /the header claims 100000001 bytes, at most 100000000/],
    ['a header length beyond any number', withLength(2n ** 64n - 1n), /the header claims 18446744073709551615 bytes/],
    ['no header at all', withLength(0n), /does not begin with '\{'/],
    ['invalid UTF-8', file('{"\xff":1}').map((b) => (b === 0xc3 ? 0xff : b)), /not valid UTF-8/],
    ['a byte order mark', file('\ufeff{}'), /does not begin with '\{'/],
    ['leading white space', file(' {}'), /does not begin with '\{'/],
    ['a list', file('[]'), /does not begin with '\{'/],
    ['invalid JSON', file('{"a":}'), /not valid JSON/],
    ['JSON that goes on after its end', file('{}{}'), /not valid JSON/],
    ['nesting without end', file(`{"a":${'['.repeat(200_000)}`), /not valid JSON/],
    [
      'a name twice',
      file(`{"a":${JSON.stringify(entry(0, 1))},"\\u0061":${JSON.stringify(entry(0, 1))}}`, 1),
      /key "a" twice/,
    ],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1),
      /key "dtype" twice/,
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /key "__metadata__" twice/],
    ['an entry that is no object', file({ w: [1] }), /tensor "w": its entry is not an object/],
    ['an entry that is null', file({ w: null }), /tensor "w": its entry is not an object/],
    ['a name that is not Unicode', file('{"\\ud800":{}}'), /its name is not valid Unicode/],
    ['an unknown dtype', file({ w: entry(0, 1, 'F7') }, 1), /tensor "w": its dtype is "F7", known are U64/],
    ['a dtype of the prototype', file({ w: entry(0, 1, 'constructor') }, 1), /its dtype is "constructor"/],
    ['no dtype', file({ w: { shape: [], data_offsets: [0, 1] } }, 1), /tensor "w": its dtype is nothing/],
    ['a shape that is no list', file({ w: { ...entry(0, 1), shape: 1 } }, 1), /tensor "w": its shape is 1/],
    ['a fraction in the shape', file({ w: entry(0, 1, 'U8', [1.5]) }, 1), /tensor "w": its shape is \[1.5\]/],
    ['a negative size', file({ w: entry(0, 1, 'U8', [-1, -1]) }, 1), /tensor "w": its shape is \[-1,-1\]/],
    ['minus zero', file('{"w":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'), /tensor "w": its shape/],
    ['a size in quotes', file({ w: { ...entry(0, 1), shape: ['1'] } }, 1), /tensor "w": its shape is \["1"\]/],
    [
      'a size over 2^53',
      file('{"w":{"dtype":"U8","shape":[9007199254740993,0],"data_offsets":[0,0]}}'),
      /its shape is/,
    ],
    ['a shape whose product overflows', file({ w: entry(0, 1, 'F32', [2 ** 52, 2 ** 52]) }, 1), /takes 8.11\d+e\+31/],
    ['no offsets', file({ w: { dtype: 'U8', shape: [] } }), /tensor "w": its data_offsets are nothing/],
    ['one offset', file({ w: { ...entry(0, 1), data_offsets: [0] } }, 1), /tensor "w": its data_offsets are \[0\]/],
    [
      'an offset over 2^53',
      file('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,1e300]}}'),
      /data_offsets are \[0,1e\+300\]/,
    ],
    ['a negative offset', file({ w: entry(-1, 1) }, 1), /tensor "w": its data_offsets are \[-1,1\]/],
    [
      'an end before the begin',
      file({ w: entry(2, 1, 'U8', [1]) }, 2),
      /tensor "w": its data_offsets begin at 2 and end/,
    ],
    [
      'an end beyond the file',
      file({ w: entry(0, 3) }, 2),
      /tensor "w": its data_offsets end at 3, but the file has 2/,
    ],
    [
      'too many bytes',
      file({ w: entry(0, 9, 'F32', [2]) }, 9),
      /tensor "w": it has 9 bytes, but F32 of shape \[2\] takes 8/,
    ],
    ['too few bytes', file({ w: entry(0, 0, 'F64', []) }), /tensor "w": it has 0 bytes, but F64 of shape \[\] takes 8/],
    [
      'overlapping tensors',
      file({ a: entry(0, 3), b: entry(2, 4) }, 4),
      /tensor "b": its bytes from 2 on overlap those of tensor "a"/,
    ],
    ['the same bytes twice', file({ a: entry(0, 2), b: entry(0, 2) }, 2), /tensor "b": .*overlap/],
    ['an empty tensor inside another', file({ a: entry(0, 2), b: entry(1, 1) }, 2), /tensor "b": .*overlap/],
    [
      'a hole',
      file({ a: entry(0, 1), b: entry(2, 3) }, 3),
      /tensor "b": it begins at 2, and no tensor has the bytes from 1/,
    ],
    ['a hole at the start', file({ a: entry(1, 2) }, 2), /tensor "a": it begins at 1, .* from 0 on/],
    [
      'bytes at the end',
      file({ a: entry(0, 1) }, 2),
      /the file has 2 bytes of data, of which no tensor has those from 1/,
    ],
    ['bytes and no tensor', file({}, 1), /the file has 1 bytes of data/],
    ['metadata that is no object', file({ __metadata__: 'x' }), /__metadata__ is not an object of strings/],
    ['metadata that is not text', file({ __metadata__: { a: 1 } }), /__metadata__ is not text at "a": 1/],
    [
      'a BOOL of 2',
      file({ w: entry(0, 1, 'BOOL') }, 1).map((b, i, all) => (i === all.length - 1 ? 2 : b)),
      /tensor "w": it is BOOL/,
    ],
  ];
  for (const [what, bytes, message] of cases) {
    it(what, () => {
      expect(() => readSafetensors(bytes)).toThrow(FormatError);
      expect(() => readSafetensors(bytes)).toThrow(/^readSafetensors: [^\n]*$/);
      expect(() => readSafetensors(bytes)).toThrow(message);
    });
  }

  it('but not an odd file that the format allows', () => {
    const odd = file(
      `{"b":${JSON.stringify({ ...entry(1, 1), more: {} })},"a":${JSON.stringify(entry(0, 1))} } \n `,
      1,
    );
    expect([...readSafetensors(odd).tensors.keys()]).toEqual(['a', 'b']);
    expect(readSafetensors(file('{}')).tensors.size).toBe(0);
    expect(readSafetensors(file(`{"__proto__":${JSON.stringify(entry(0, 1))}}`, 1)).tensors.has('__proto__')).toBe(
      true,
    );
  });
});

describe('properties', () => {
  it('a damaged file is read or rejected with a FormatError of one line', () => {
    const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'insert') });
    fc.assert(
      fc.property(anyFile, fc.array(damage, { minLength: 1, maxLength: 4 }), ({ tensors, metadata }, damages) => {
        let bytes = [...writeSafetensors(tensors, metadata)];
        for (const { at, byte, kind } of damages) {
          const i = at % bytes.length;
          if (kind === 'set') bytes[i] = byte;
          else if (kind === 'insert') bytes.splice(i, 0, byte);
          else bytes = bytes.slice(0, i);
          if (bytes.length === 0) break;
        }
        expectReadOrRejected(Uint8Array.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('a header of any JSON is read or rejected with a FormatError of one line', () => {
    const value = fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom('"U8"', '[0,1]', '[1]', '[0]', '-1', '1e999'));
    const field = fc.constantFrom('dtype', 'shape', 'data_offsets', 'more');
    const info = fc.array(fc.tuple(field, value)).map((fields) => `{${fields.map(([k, v]) => `"${k}":${v}`).join()}}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.oneof(info, value))), fc.nat(3), (entries, length) => {
        expectReadOrRejected(file(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${v}`).join()}}`, length));
      }),
      { numRuns: 500 },
    );
  });
});

function expectReadOrRejected(bytes: Uint8Array): void {
  try {
    readSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/^readSafetensors: [^\n]{1,300}$/);
  }
}
