// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011). Counter and key make four random
// words; the reference is src/random/philox.ts.

const TWO_TO_MINUS_24 = 5.9604644775390625e-8;

// The upper and the lower half of the product, from products of 16-bit halves: WGSL has no wide multiplication.
fn mulWide(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let t = ah * bl + ((al * bl) >> 16u);
  let s = al * bh + (t & 0xffffu);
  return vec2u(ah * bh + (t >> 16u) + (s >> 16u), a * b);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    let p = mulWide(0xd2511f53u, c.x);
    let q = mulWide(0xcd9e8d57u, c.z);
    c = vec4u(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// Words 4 b to 4 b + 3 of a stream, where b is `first` (a 64-bit number, low word first) plus `quad`.
fn philoxBlock(first: vec2u, quad: u32, step: u32, key: vec2u) -> vec4u {
  let low = first.x + quad;
  let carry = select(0u, 1u, quad > low);
  return philox(vec4u(low, first.y + carry, step, 0u), key);
}
