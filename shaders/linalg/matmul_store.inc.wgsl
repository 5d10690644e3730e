// C number by number, for rows of any length.
@group(0) @binding(6) var<storage, read_write> c: array<Out>; // [batch, M, N], or [splits, batch, M, N] of partial sums

fn store4(i: u32, n: u32, v: vec4f) {
  c[i] = Out(v.x);
  if (n + 1u < params.n) { c[i + 1u] = Out(v.y); }
  if (n + 2u < params.n) { c[i + 2u] = Out(v.z); }
  if (n + 3u < params.n) { c[i + 3u] = Out(v.w); }
}
