// Where element i of a row-major array of `params.shape` lies under `params.strides`. Both list the innermost axis first; RANK of the
// entries are used. Arithmetic is modulo 2^32, so that a negative stride is simply its two's complement.
override RANK: u32 = 8;

fn stridedIndex(i: u32) -> u32 {
  var rest = i;
  var at = params.offset;
  for (var d = 0u; d + 1u < RANK; d++) {
    let n = params.shape[d / 4u][d % 4u];
    let q = rest / n;
    at += (rest - q * n) * params.strides[d / 4u][d % 4u];
    rest = q;
  }
  return at + rest * params.strides[(RANK - 1u) / 4u][(RANK - 1u) % 4u];
}
