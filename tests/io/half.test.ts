import { describe, expect, it } from 'vitest';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from '../../src/io/half.ts';

describe('16-bit floats', () => {
  const f32 = new Float32Array(1);
  const u32 = new Uint32Array(f32.buffer);
  const fromBits = (bits: number) => {
    u32[0] = bits;
    return f32[0] as number;
  };
  const toBits = (value: number) => {
    f32[0] = value;
    return u32[0] as number;
  };

  it('have the value of the definition, and come back to the same bits, all 65,536', () => {
    for (let h = 0; h < 65536; h++) {
      const [sign, exponent, mantissa] = [h >> 15 ? -1 : 1, (h >> 10) & 31, h & 1023];
      const half = exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24;
      const expected = exponent < 31 ? sign * half : mantissa ? NaN : sign * Infinity;
      if (!Object.is(fromBits(widenF16(h)), expected)) expect(fromBits(widenF16(h)), h.toString(16)).toBe(expected);
      if (narrowF16(widenF16(h)) !== h) expect(narrowF16(widenF16(h))).toBe(h);
      if ((narrowBF16(widenBF16(h)) & 0xffff) !== h) expect(narrowBF16(widenBF16(h))).toBe(h);
    }
  });

  it('are the nearest to the number, ties to even', () => {
    const formats = [
      { widen: widenF16, narrow: narrowF16, last: 0x7bff },
      { widen: widenBF16, narrow: narrowBF16, last: 0x7f7f },
    ];
    for (const { widen, narrow, last } of formats) {
      for (let h = 0; h < last; h++) {
        const [low, high] = [fromBits(widen(h)), fromBits(widen(h + 1))];
        const middle = toBits(low + (high - low) / 2);
        const even = h % 2 ? h + 1 : h;
        const got = [narrow(middle - 1), narrow(middle), narrow(middle + 1), narrow(middle | 0x80000000) & 0x7fff];
        if (String(got) !== String([h, even, h + 1, even])) expect(got).toEqual([h, even, h + 1, even]);
      }
      expect(narrow(0x7f800001) & 0x7fff, 'a NaN stays one').toBeGreaterThan(last + 1);
    }
  });
});
