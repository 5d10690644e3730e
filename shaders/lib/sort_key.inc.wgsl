// Sorting keys: u32 whose order is that of the values, made of the bits, since compilers may assume that no NaN occurs. NaN is last in
// either direction, -0 equals 0. The including kernel declares `Scalar`.
override OP: u32 = 0;
const FLOAT = 1u; // op
const SIGNED = 2u; // op
const UNSIGNED = 3u; // op
const PLACE = 4u; // op // a signed index along an axis of `length`: negative ones count from the end
override DESCENDING: bool = false;

fn sortKey(v: Scalar, length: u32) -> u32 {
  var key: u32;
  if (OP == FLOAT) {
    let bits = bitcast<u32>(f32(v));
    if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
    key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u); // -0 falls to 0
  } else {
    key = u32(v);
    if (OP == SIGNED) { key ^= 0x80000000u; }
    if (OP == PLACE && key >= 0x80000000u) { key += length; }
  }
  return select(key, ~key, DESCENDING);
}
