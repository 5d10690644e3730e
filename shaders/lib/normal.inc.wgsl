// Standard normals out of uniform words, by Box and Muller's transform; the reference is toNormals in src/random/philox.ts. The
// built-ins' log is inexact next to 1 and their sin and cos next to their zeros, so these are our own (polynomials: Cephes).

// ln(w / 2^32), w cut to its 24 leading bits.
fn logOfWord(w: u32) -> f32 {
  let zeros = countLeadingZeros(w);
  var x = f32((w << zeros) >> 8u) * TWO_TO_MINUS_24; // in [1/2, 1)
  var e = -f32(zeros);
  if (x < 0.70710678) {
    x *= 2.0;
    e -= 1.0;
  }
  let f = x - 1.0;
  let z = f * f;
  var p = 7.0376836292e-2;
  p = p * f - 1.1514610310e-1;
  p = p * f + 1.1676998740e-1;
  p = p * f - 1.2420140846e-1;
  p = p * f + 1.4249322787e-1;
  p = p * f - 1.6668057665e-1;
  p = p * f + 2.0000714765e-1;
  p = p * f - 2.4999993993e-1;
  p = p * f + 3.3333331174e-1;
  // ln 2 in two parts, the first of which is exact in any product with e.
  return (f + (f * z * p - 0.5 * z - e * 2.12194440e-4)) + e * 0.693359375;
}

// (cos a, sin a) of the angle of w / 2^32 turns, cut to 2^-26 turns.
fn cosSinOfWord(w: u32) -> vec2f {
  let turned = w + 0x20000000u; // half a quarter
  let quarter = turned >> 30u;
  let rest = (bitcast<i32>(turned & 0x3fffffffu) - 0x20000000) >> 6u;
  let a = f32(rest) * TWO_TO_MINUS_24 * 1.5707963267949; // in [-pi/4, pi/4)
  let z = a * a;
  let s = a + a * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  switch (quarter) {
    case 0u: { return vec2f(c, s); }
    case 1u: { return vec2f(-s, c); }
    case 2u: { return vec2f(-c, -s); }
    default: { return vec2f(s, -c); }
  }
}

fn normals(words: vec4u) -> vec4f {
  return vec4f(
    sqrt(-2.0 * logOfWord(max(words.x, 1u))) * cosSinOfWord(words.y),
    sqrt(-2.0 * logOfWord(max(words.z, 1u))) * cosSinOfWord(words.w),
  );
}
