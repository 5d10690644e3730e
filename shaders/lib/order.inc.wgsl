// Elements as u32 keys whose order is theirs, or the opposite (MIN), made of the bits, since compilers may assume that no NaN occurs: NaN is above
// all either way, and -0 equals 0. The including kernel declares `Scalar`.
override OP: u32 = 0; // the kind of the elements
override MIN: bool = false;
const FLOAT = 0u; // op
const SIGNED = 1u; // op
const UNSIGNED = 2u; // op

fn orderKeys(v: vec4<Scalar>) -> vec4u {
  var keys = vec4u(v);
  var nan = vec4<bool>(false);
  if (OP == FLOAT) {
    let bits = bitcast<vec4u>(vec4f(v));
    nan = (bits & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
    keys = select(bits | vec4u(0x80000000u), ~bits, bits > vec4u(0x80000000u)); // -0 falls to 0
  } else if (OP == SIGNED) {
    keys ^= vec4u(0x80000000u);
  }
  return select(select(keys, ~keys, MIN), vec4u(0xffffffffu), nan);
}

fn orderKey(v: Scalar) -> u32 { return orderKeys(vec4<Scalar>(v)).x; }
