// Functions that WGSL lacks, or whose built-in is too inexact. Errors are against f64, over all finite f32.

// exp(x) - 1, without cancellation near 0.
fn expm1(x: f32) -> f32 {
  if (abs(x) < 0.35) {
    return x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0)))))));
  }
  return exp(x) - 1.0;
}

// log(1 + x) for x in [0, 1], without cancellation near 0 (Kahan: x * log(u) / (u - 1), u = 1 + x rounded).
fn log1p(x: f32) -> f32 {
  let u = 1.0 + x;
  if (u == 1.0) { return x; }
  return log(u) * x / (u - 1.0);
}

// The built-in is good to 1e-5 only and gives NaN for large inputs on some drivers.
fn tanhExact(x: f32) -> f32 {
  let a = min(abs(x), 10.0);
  let e = expm1(2.0 * a);
  let t = e / (e + 2.0);
  return select(t, -t, x < 0.0);
}

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// log(1 + exp(x))
fn softplus(x: f32) -> f32 {
  return max(x, 0.0) + log1p(exp(-abs(x)));
}

// The error function: Taylor's series below 1, Abramowitz and Stegun 7.1.26 refined by a continued fraction above.
fn erfExact(x: f32) -> f32 {
  let a = min(abs(x), 4.0);
  var r: f32;
  if (a < 1.0) {
    let s = a * a;
    r = a * (1.1283791671 + s * (-0.3761263890 + s * (0.1128379167 + s * (-0.0268661706 + s * (0.0052239776
      + s * (-0.0008548327 + s * (0.0001205533 + s * (-0.0000149256 + s * 0.0000016462))))))));
  } else {
    r = 1.0 - erfc(a);
  }
  return select(r, -r, x < 0.0);
}

// erfc(a) for a in [1, 4] by its continued fraction, evaluated from the 16th term: relative error below 1e-6.
fn erfc(a: f32) -> f32 {
  var f = a;
  for (var k = 16; k > 0; k--) { f = a + 0.5 * f32(k) / f; }
  return exp(-a * a) * 0.5641895835 / f;
}

// By the bits: compilers may assume that no NaN occurs.
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// u^v; a negative base needs a whole exponent.
fn power(u: f32, v: f32) -> f32 {
  if (v == 0.0) { return 1.0; }
  let p = pow(abs(u), v);
  return select(p, -p, u < 0.0 && abs(v - 2.0 * floor(v * 0.5)) == 1.0);
}
