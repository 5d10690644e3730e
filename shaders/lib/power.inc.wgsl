// u^v to a few units in the last place, as C defines it: u^0 = 1^v = 1, a negative base needs a whole exponent. Needs lib/math.inc.wgsl.
fn power(u: f32, v: f32) -> f32 {
  if (v == 0.0 || u == 1.0) { return 1.0; }
  if (isNan(u) || isNan(v)) { return nanFrom(u); }
  let whole = floor(v) == v;
  if (whole && abs(v) <= 16.0) { return smallPower(u, v); }
  if (u < 0.0 && !whole && u > -3.4028234e38) { return nanFrom(u); }
  let a = abs(u);
  var p: f32;
  if (a == 0.0 || a > 3.4028234e38) {
    p = select(0.0, infinityFrom(1.0 + abs(v)), (a == 0.0) == (v < 0.0));
  } else {
    p = expOfProduct(a, clamp(v, -1e12, 1e12));
  }
  return select(p, -p, u < 0.0 && whole && floor(v * 0.5) * 2.0 != v);
}

// By squaring, for a whole v up to 16 in size: exact where the result is a number.
fn smallPower(u: f32, v: f32) -> f32 {
  var n = u32(abs(v));
  var p = select(1.0, u, (n & 1) == 1);
  var base = u;
  for (n >>= 1; n > 0; n >>= 1) {
    base *= base;
    if ((n & 1) == 1) { p *= base; }
  }
  return select(p, 1.0 / p, v < 0.0);
}

// exp(v log(a)) for a normal a > 0, the logarithm and the product as sums of two floats. Sums are cut by their bits (`upper`), since
// compilers simplify (x + y) - x.
fn expOfProduct(a: f32, v: f32) -> f32 {
  let e = exponentOf(a);
  let k = f32(e);
  let f = bitcast<f32>(bitcast<i32>(a) - (e << 23)) - 1.0;
  let d = 2.0 + f;
  let s = f / d;
  let sh = upper(s);
  let dh = upper(d);
  let sl = ((f - sh * dh) - sh * (f - (dh - 2.0))) / d; // s = sh + sl
  // log(a) = k log(2) + 2 s + s R(s^2)
  let big = k * 0.69313812256;
  let high = upper(big + 2.0 * sh);
  let low = ((big - high) + 2.0 * sh) + (k * 9.0580006145e-6 + (2.0 * sl + s * logSeries(s)));
  let vh = upper(v);
  return expSum(vh * high, (v - vh) * high + v * low);
}
