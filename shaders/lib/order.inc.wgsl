// Elements as u32 keys of the same order.
override MIN: bool = false; // the order upside down
override KIND: u32 = 0;     // of the elements
const FLOAT = 0u; // op
const SIGNED = 1u; // op
const UNSIGNED = 2u; // op

// One of the three conversions of an element is used, as KIND says; the others cost nothing. -0 equals 0, and NaN is above all either way.
fn keyOf(f: f32, i: i32, u: u32) -> u32 {
  var key = u;
  if (KIND == FLOAT) {
    let bits = bitcast<u32>(f);
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { return 0xffffffffu; }
    key = select(0x80000000u + magnitude, 0x80000000u - magnitude, bits != magnitude);
  } else if (KIND == SIGNED) {
    key = bitcast<u32>(i) ^ 0x80000000u;
  }
  return select(key, ~key, MIN);
}
