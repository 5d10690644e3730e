// Sine and cosine to a few units in the last place for every finite x; the built-ins promise an error of 5e-4 on [-pi, pi], and nothing beyond.

// x = quadrant * pi/2 + rest, with |rest| <= pi/4
struct Angle { rest: f32, quadrant: i32 }

fn reduceAngle(x: f32) -> Angle {
  if (abs(x) > 8192.0) { return reduceLarge(x); }
  // Cody and Waite: pi/2 in three parts, whose products with k are exact but for the last.
  let k = round(x * 0.6366197724);
  return Angle(((x - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549789948768648e-8, i32(k));
}

// Payne and Hanek: the 24 bits of x times those bits of 2/pi that matter modulo 4, as a fixed-point number of 64 bits.
fn reduceLarge(x: f32) -> Angle {
  var digits = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
  let bits = bitcast<u32>(x);
  let m = (bits & 0x7fffffu) | 0x800000u;
  let start = ((bits >> 23) & 0xff) - 120; // x = m 2^e; bit 0 of the window weighs 2^(1 - e)
  let word = min(start >> 5, 4u);
  let shift = start & 31;
  var window: array<u32, 3>;
  for (var i = 0u; i < 3; i++) {
    window[i] = (digits[word + i] << shift) | ((digits[word + i + 1] >> 1) >> (31 - shift));
  }
  let low = m * window[1] + multiplyHigh(m, window[2]);
  let carry = select(0u, 1u, low < m * window[1]);
  let high = m * window[0] + multiplyHigh(m, window[1]) + carry;
  let fraction = f32(bitcast<i32>((high << 2) | (low >> 30))) * 2.3283064365386963e-10 + f32(low << 2) * 5.421010862427522e-20;
  let quadrant = i32((high + 0x20000000u) >> 30);
  let rest = fraction * 1.5707963268;
  if (x < 0.0) { return Angle(-rest, -quadrant); }
  return Angle(rest, quadrant);
}

// The upper 32 bits of a b
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let middle = (a >> 16) * (b & 0xffff) + (((a & 0xffff) * (b & 0xffff)) >> 16);
  let other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
  return (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);
}

// Cephes' polynomials for |r| <= pi/4
fn sinReduced(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
}
fn cosReduced(r: f32) -> f32 {
  let z = r * r;
  return 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
}

fn sinOf(a: Angle) -> f32 {
  let s = select(sinReduced(a.rest), cosReduced(a.rest), (a.quadrant & 1) != 0);
  return select(s, -s, (a.quadrant & 2) != 0);
}

// Of an infinite x, NaN.
fn sinExact(x: f32) -> f32 {
  if (abs(x) > 3.4028234e38) { return nanFrom(x); }
  return sinOf(reduceAngle(x));
}
fn cosExact(x: f32) -> f32 {
  if (abs(x) > 3.4028234e38) { return nanFrom(x); }
  let a = reduceAngle(x);
  return sinOf(Angle(a.rest, a.quadrant + 1));
}
fn tanExact(x: f32) -> f32 {
  if (abs(x) > 3.4028234e38) { return nanFrom(x); }
  let a = reduceAngle(x);
  return sinOf(a) / sinOf(Angle(a.rest, a.quadrant + 1));
}
