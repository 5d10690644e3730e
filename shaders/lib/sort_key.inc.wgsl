// Sorting keys: u32 whose order is that of the values, made of the bits, since compilers may assume that no NaN occurs. NaN is last in
// either direction, -0 equals 0. The including kernel declares `Scalar`, and has `kind`, `length` and `mask` (all ones to sort downwards,
// else 0) among its params.
const FLOAT = 1u; // op
const SIGNED = 2u; // op
const UNSIGNED = 3u; // op
const PLACE = 4u; // op // a signed index along an axis of `length`: negative ones count from the end

fn sortKey(v: Scalar) -> u32 {
  var key = u32(v);
  if (params.kind == FLOAT) {
    let bits = bitcast<u32>(f32(v));
    if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
    key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u); // -0 falls to 0
  } else if (params.kind == SIGNED) {
    key ^= 0x80000000u;
  } else if (params.kind == PLACE && key >= 0x80000000u) {
    key += params.length;
  }
  return key ^ params.mask;
}
