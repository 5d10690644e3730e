// The maximum of a row and the sum of exp(x - maximum) in one pass (Milakov and Gimelshein, "Online normalizer calculation for softmax",
// arXiv:1805.02867, algorithm 3), as pairs (m, s). To be included after lib/lanes.inc.wgsl and
// lib/math.inc.wgsl.

// Where a row's maximum starts from: what lies below it (-inf, the mask value -3.4e38) adds exp(-huge) = 0, and a row of nothing else has
// s = 0.
const FLOOR = -3.3e38;

var<workgroup> pairs: array<vec2f, WG>;

fn fold(pair: vec2f, v: f32) -> vec2f {
  let m = max(pair.x, v);
  return vec2f(m, pair.y * exp(pair.x - m) + exp(v - m));
}

fn fold4(pair: vec2f, v: vec4f) -> vec2f {
  let m = max(max(pair.x, max(v.x, v.y)), max(v.z, v.w));
  let e = exp(v - m);
  return vec2f(m, pair.y * exp(pair.x - m) + ((e.x + e.y) + (e.z + e.w)));
}

fn merge(a: vec2f, b: vec2f) -> vec2f {
  let m = max(a.x, b.x);
  return vec2f(m, a.y * exp(a.x - m) + b.y * exp(b.x - m));
}

// The pair of a whole row, to each of its lanes.
fn mergeLanes(own: vec2f, lid: u32, lane: u32) -> vec2f {
  if (LANES == 1u) { return own; }
  pairs[lid] = own;
  for (var s = LANES / 4u; s > 1u; s /= 2u) {
    workgroupBarrier();
    if (inHalf(lane) < s) { pairs[lid] = merge(pairs[lid], pairs[lid + ahead(s)]); }
  }
  // The last step stands by itself: SwiftShader waits at the end of a loop, and would hide that the barrier after it is needed.
  workgroupBarrier();
  if (LANES > 2u && inHalf(lane) == 0u) { pairs[lid] = merge(pairs[lid], pairs[lid + ahead(1u)]); }
  workgroupBarrier();
  let first = lid - ahead(lane);
  return merge(pairs[first], pairs[first + ahead(LANES / 2u)]);
}

// Whether a NaN or +inf was met: exp of the former is NaN or, on SwiftShader, inf. By the bits, since compilers may take both for impossible.
fn isBroken(pair: vec2f) -> bool {
  return (bitcast<u32>(pair.y) & 0x7f800000u) == 0x7f800000u;
}

// softmax = exp(x - m) * this: 1 / s, or 0 for a row in which all is masked, or NaN.
fn reciprocalSum(pair: vec2f) -> f32 {
  if (isBroken(pair)) { return nanFrom(pair.y); }
  return select(1.0 / pair.y, 0.0, pair.y == 0.0);
}

// log(softmax) = x - m - this: log(s), or inf for a row in which all is masked, or NaN.
fn logSum(pair: vec2f) -> f32 {
  if (isBroken(pair)) { return nanFrom(pair.y); }
  return select(logExact(pair.y), infinityFrom(pair.y), pair.y == 0.0);
}
