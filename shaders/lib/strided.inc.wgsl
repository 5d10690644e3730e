// Where element i of a row-major array of `params.shape` lies under `params.strides`. Both list the innermost axis first; RANK of the
// entries are used. Arithmetic is modulo 2^32, so that a negative stride is simply its two's complement. Written out rather than looped, as in
// broadcast.inc.wgsl.
override RANK: u32 = 8;

struct Step { rest: u32, at: u32 }

// Past an axis of n elements.
fn outward(s: Step, n: u32, stride: u32) -> Step {
  let q = s.rest / n;
  return Step(q, s.at + (s.rest - q * n) * stride);
}

fn stridedIndex(i: u32) -> u32 {
  var s = Step(i, params.offset);
  if (RANK > 1u) { s = outward(s, params.shape[0].x, params.strides[0].x); }
  if (RANK > 2u) { s = outward(s, params.shape[0].y, params.strides[0].y); }
  if (RANK > 3u) { s = outward(s, params.shape[0].z, params.strides[0].z); }
  if (RANK > 4u) { s = outward(s, params.shape[0].w, params.strides[0].w); }
  if (RANK > 5u) { s = outward(s, params.shape[1].x, params.strides[1].x); }
  if (RANK > 6u) { s = outward(s, params.shape[1].y, params.strides[1].y); }
  if (RANK > 7u) { s = outward(s, params.shape[1].z, params.strides[1].z); }
  return s.at + s.rest * params.strides[(RANK - 1u) / 4u][(RANK - 1u) % 4u];
}
