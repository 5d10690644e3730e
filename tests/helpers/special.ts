/** The complementary error function in f64: Taylor's series of erf below 2, the continued fraction above. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  const r = a < 2 ? 1 - erfSeries(a) : Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction(a));
  return x < 0 ? 2 - r : r;
}

export const erf = (x: number): number => (Math.abs(x) < 2 ? erfSeries(x) : x > 0 ? 1 - erfc(x) : erfc(-x) - 1);

function erfSeries(x: number): number {
  let sum = 0;
  let term = x;
  for (let k = 0; k < 60; k++) {
    sum += term / (2 * k + 1);
    term *= (-x * x) / (k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function fraction(a: number): number {
  let f = a;
  for (let k = 80; k > 0; k--) f = a + k / 2 / f;
  return f;
}

export const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The distance from `got` to `want` in units of the last place of the f32 next to `want`. */
export function ulps(got: number, want: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(want))), -126);
  return Math.abs(got - want) / 2 ** (exponent - 23);
}

/** f32 values from `low` to `high` and their negatives, at equal ratios. */
export function spread(low: number, high: number, n: number): number[] {
  const up = Array.from({ length: n }, (_, i) => Math.fround(low * (high / low) ** (i / (n - 1))));
  return [...up, ...up.map((v) => -v)];
}
