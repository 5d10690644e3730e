// Elements as u32 keys whose order is theirs, or the opposite (MIN), made of the bits, since compilers may assume that no NaN occurs: NaN is above
// all either way, and -0 equals 0. The including kernel declares `Scalar`.
override OP: u32 = 0; // the kind of the elements
override MIN: bool = false;
const FLOAT = 0u; // op
const SIGNED = 1u; // op
const UNSIGNED = 2u; // op

fn orderKey(v: Scalar) -> u32 {
  var key = u32(v);
  if (OP == FLOAT) {
    let bits = bitcast<u32>(f32(v));
    if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
    key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u); // -0 falls to 0
  } else if (OP == SIGNED) {
    key ^= 0x80000000u;
  }
  return select(key, ~key, MIN);
}
