import { expect, test } from 'vitest';
import { philox4x32, philoxNormals, philoxWords, split64, toNormals, toUnit } from '../../src/random/philox.ts';

// The known answers that come with the authors' library Random123 (tests/kat_vectors, philox4x32 10).
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as [[number, number, number, number], [number, number], number[]][])(
  'known answer for counter %o and key %o',
  (counter, key, answer) => {
    expect(philox4x32(counter, key)).toEqual(answer);
  },
);

test('a stream is the words of consecutive blocks, and offsets begin inside it', () => {
  const seed = 0x1_2345_6789;
  expect(split64(seed)).toEqual([0x23456789, 1]);
  const words = philoxWords(seed, 0, 11);
  expect(Array.from(words.slice(4, 8))).toEqual(philox4x32([1, 0, 0, 0], [0x23456789, 1]));
  for (const offset of [1, 2, 3, 4, 6]) expect(philoxWords(seed, offset, 5)).toEqual(words.slice(offset, offset + 5));
  const far = 2 ** 34 - 1; // the carry from the counter's first word to its second
  expect(Array.from(philoxWords(7, far, 2))).toEqual([
    philox4x32([0xffffffff, 0, 0, 0], [7, 0])[3],
    philox4x32([0, 1, 0, 0], [7, 0])[0],
  ]);
  expect(Array.from(philoxWords(7, 0, 4, 9))).toEqual(philox4x32([0, 0, 9, 0], [7, 0]));
});

test('words as uniforms and normals', () => {
  expect(toUnit(0)).toBe(0);
  expect(toUnit(0xffffffff)).toBe(1 - 2 ** -24);
  expect(toNormals(0, 0)[0]).toBeCloseTo(Math.sqrt(-2 * Math.log(2 ** -32)), 12);
  const [c, s] = toNormals(0x80000000, 0x40000000); // u = 1/2, a quarter turn
  expect(c).toBeCloseTo(0, 12);
  expect(s).toBeCloseTo(Math.sqrt(2 * Math.LN2), 12);
  const normals = philoxNormals(3, 0, 12);
  for (const offset of [1, 2, 3, 5]) expect(philoxNormals(3, offset, 5)).toEqual(normals.slice(offset, offset + 5));
});
