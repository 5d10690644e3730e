// 16-bit floats to 32-bit ones and back, on the bits: so a NaN keeps its payload, which a number would not promise.

/** The f32 bits of the value with the IEEE half bits `h`; exact. */
export function widenF16(h: number): number {
  const sign = (h & 0x8000) << 16;
  const exponent = (h >>> 10) & 0x1f;
  const mantissa = h & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  const shift = Math.clz32(mantissa) - 21; // brings the leading one to bit 10, where a normal number has it
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

/** The half bits nearest to the f32 bits `f`, ties to even; from 65520 on that is infinity. */
export function narrowF16(f: number): number {
  const sign = (f >>> 16) & 0x8000;
  const abs = f & 0x7fffffff;
  if (abs > 0x7f800000) return sign | 0x7c00 | ((abs >>> 13) & 0x3ff || 0x200);
  if (abs >= 0x477ff000) return sign | 0x7c00;
  if (abs >= 0x38800000) return sign | shiftRounded(abs - 0x38000000, 13);
  const exponent = abs >>> 23;
  if (exponent < 102) return sign; // below half of the smallest subnormal
  return sign | shiftRounded((abs & 0x7fffff) | 0x800000, 126 - exponent);
}

/** The f32 bits of the value with the bfloat16 bits `h`; exact. */
export function widenBF16(h: number): number {
  return h << 16;
}

/** The bfloat16 bits nearest to the f32 bits `f`, ties to even. */
export function narrowBF16(f: number): number {
  if ((f & 0x7fffffff) > 0x7f800000) return (f >>> 16) & 0x7f ? f >>> 16 : (f >>> 16) | 0x40;
  return shiftRounded(f >>> 0, 16);
}

function shiftRounded(x: number, bits: number): number {
  const quotient = x >>> bits;
  const rest = x & (2 ** bits - 1);
  const half = 2 ** (bits - 1);
  return rest > half || (rest === half && quotient % 2 === 1) ? quotient + 1 : quotient;
}
