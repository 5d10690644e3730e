// Functions that WGSL lacks, or whose built-in may be inexact (exp is off by 2e-5 near its ends, log by 5e-7 near 1, tanh by 1e-5) or wrong
// at infinities. Errors here are a few units in the last place wherever the result is a normal number; tests/ops/unary.test.ts holds them.

// By the bits: compilers may assume that no NaN occurs.
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
// A NaN and an infinity out of any x; written as constants they would be refused.
fn nanFrom(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u); }
fn infinityFrom(x: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x7f800000u); }
// x with the lower half of its mantissa cut off: products of two such are exact.
fn upper(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
// 2^n for n in [-126, 127]
fn powerOf2(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23); }

// exp(r) - 1 for |r| <= log(2)/2
fn expm1Reduced(r: f32) -> f32 {
  return r + r * r * (0.49999994 + r * (0.1666652 + r * (0.041668404 + r * (0.008368899 + r * 0.0013814223))));
}

// exp(x + low) for a low that is small beside x and 1: 2^k exp(r), log(2) in two parts so that r is exact.
fn expSum(x: f32, low: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let k = round(c * 1.442695041);
  let r = (c - k * 0.693359375) + k * 2.12194440e-4 + select(0.0, low, c == x);
  let half = i32(k) / 2; // 2^k itself may lie outside the range
  return (1.0 + expm1Reduced(r)) * powerOf2(half) * powerOf2(i32(k) - half);
}
fn expExact(x: f32) -> f32 { return expSum(x, 0.0); }

// exp(-x^2 scale) for a scale of 1 or 1/2; x^2 is not rounded
fn expMinusSquare(x: f32, scale: f32) -> f32 {
  let h = upper(x);
  return expSum(-h * h * scale, (h - x) * (h + x) * scale);
}

// exp(x) - 1 = 2^k (exp(r) - 1) + (2^k - 1)
fn expm1(x: f32) -> f32 {
  let c = clamp(x, -20.0, 89.0);
  let k = round(c * 1.442695041);
  let half = powerOf2(i32(k) - 1);
  return 2.0 * (half * expm1Reduced((c - k * 0.693359375) + k * 2.12194440e-4) + (half - 0.5));
}

// log(1 + f) = 2 s + s R(s^2) with s = f / (2 + f), for f in [sqrt(1/2) - 1, sqrt(2) - 1]; here R (FreeBSD's e_logf.c).
fn logSeries(s: f32) -> f32 {
  let z = s * s;
  return z * (0.66666662693 + z * (0.40000972152 + z * (0.28498786688 + z * 0.24279078841)));
}
fn log1pReduced(f: f32) -> f32 {
  let s = f / (2.0 + f);
  return f - s * (f - logSeries(s));
}

// The k for which x / 2^k lies in [sqrt(1/2), sqrt(2)), for a normal x > 0
fn exponentOf(x: f32) -> i32 { return (bitcast<i32>(x) - 0x3f3504f3) >> 23; }

fn logExact(x: f32) -> f32 {
  if (x == 0.0) { return infinityFrom(-1.0 - x); }
  if (x < 0.0) { return nanFrom(x); }
  if (x > 3.4028234e38) { return x; }
  let k = exponentOf(x);
  let f = bitcast<f32>(bitcast<i32>(x) - (k << 23)) - 1.0;
  return (log1pReduced(f) + f32(k) * 9.0580006145e-6) + f32(k) * 0.69313812256;
}

// log(1 + x), without cancellation near 0
fn log1p(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) { return log1pReduced(x); }
  return logExact(1.0 + x);
}

fn tanhExact(x: f32) -> f32 {
  let e = expm1(2.0 * min(abs(x), 10.0));
  let t = e / (e + 2.0);
  return select(t, -t, x < 0.0);
}

fn sigmoid(x: f32) -> f32 {
  let e = expExact(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// log(1 + exp(x))
fn softplus(x: f32) -> f32 {
  return max(x, 0.0) + log1p(expExact(-abs(x)));
}

// P(X > a) for a standard normal X and a >= 0: exp(-a^2 / 2) times a polynomial in 1 / (1 + 0.35 a), fitted to a <= 15.
fn normalTail(a: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.35 * a);
  let mills = t * (0.13962126 + t * (0.13986431 + t * (0.11981566 + t * (0.10557406 + t * (-0.02326186 + t * (0.15938972
    + t * (-0.2558988 + t * (0.14405918 - t * 0.029163565))))))));
  return mills * expMinusSquare(a, 0.5);
}

// P(X <= x)
fn normalCdf(x: f32) -> f32 {
  let q = normalTail(min(abs(x), 15.0));
  return select(q, 1.0 - q, x > 0.0);
}

// The error function: a polynomial below 1, 1 - 2 P(X > x sqrt 2) above.
fn erfExact(x: f32) -> f32 {
  let s = x * x;
  if (s < 1.0) {
    return x * (1.1283791 + s * (-0.37612638 + s * (0.11283782 + s * (-0.0268654 + s * (0.0052209455 + s * (-0.00084828294
      + s * (0.0001125695 - s * 0.00000964152)))))));
  }
  let r = 1.0 - 2.0 * normalTail(min(abs(x), 8.0) * 1.41421356);
  return select(r, -r, x < 0.0);
}

fn gelu(x: f32) -> f32 { return x * normalCdf(x); }
// Its approximation by x (1 + tanh(u)) / 2 = x sigmoid(2 u), which keeps its digits where tanh is near -1.
fn geluTanh(x: f32) -> f32 { return x * sigmoid(geluInner(x)); }
// 2 u = 2 sqrt(2/pi) (x + 0.044715 x^3)
fn geluInner(x: f32) -> f32 { return 1.5957691216 * x * (1.0 + 0.044715 * x * x); }
