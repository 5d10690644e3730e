// What softmax is taken of: x, divided by a temperature (TEMPERED), and only where a mask is true (MASK). The mask is broadcast to x; that of a row begins
// at stridedIndex(row), and its elements are params.maskStep apart. To be included after lib/lanes.inc.wgsl and lib/strided.inc.wgsl; includers bind x and mask.
override TEMPERED: bool = false;
override MASK: bool = false;

const MASKED = -3.4e38;

// Where the mask of a row begins.
fn maskOf(row: u32) -> u32 {
  if (MASK) { return stridedIndex(row); }
  return 0u;
}

// x[i] / temperature; what counts as masked stays so at any temperature.
fn tempered(v: f32) -> f32 {
  if (TEMPERED) { return select(v * params.scale, v, v <= -3.3e38); }
  return v;
}

// x[at], whose mask is mask[seen]; without MASK `seen` is not looked at, and whatever computes it falls away.
fn load(at: u32, seen: u32) -> f32 {
  if (MASK) {
    if (((mask[seen / 4u] >> (8u * (seen % 4u))) & 0xffu) == 0u) { return MASKED; }
  }
  return tempered(f32(x[at]));
}

// Four of a lane's elements, the first at x[at].
fn loadFour(at: u32, seen: u32) -> vec4f {
  let step = LANES * params.inner;
  let stride = LANES * params.maskStep;
  return vec4f(load(at, seen), load(at + step, seen + stride), load(at + 2u * step, seen + 2u * stride), load(at + 3u * step, seen + 3u * stride));
}
