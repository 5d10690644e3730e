// What the sequence kernels of recurrent/ share. One workgroup runs one sequence from end to end; each invocation owns four units at a time,
// so that a vec4 of the state, once loaded, serves all their rows of the recurrent matrix.
alias Scalar = f32; // dtype
alias Index = u32; // dtype
override WG: u32 = 64;
override H4: u32 = 32;              // ceil(H / 4), the width of U in vec4s
override LENGTHS: bool = false;     // otherwise `lengths` is bound to anything and not read
override REVERSE: bool = false;     // from the last element of each sequence to its first

// The steps of sequence b.
fn lengthOf(b: u32) -> u32 {
  if (LENGTHS) { return min(u32(lengths[b]), params.T); }
  return params.T;
}

// The position in time that step s of a sequence of `length` visits; past the end, the padding in order.
fn position(s: u32, length: u32) -> u32 {
  if (REVERSE && s < length) { return length - 1u - s; }
  return s;
}

// dot(U[row + i], v) for i = 0..3 at one vec4 of the columns; rows past the last are those of the last.
fn fourRows(row: u32, last: u32, k: u32, v: vec4f) -> vec4f {
  return vec4f(
    dot(vec4f(U[row * H4 + k]), v),
    dot(vec4f(U[min(row + 1, last) * H4 + k]), v),
    dot(vec4f(U[min(row + 2, last) * H4 + k]), v),
    dot(vec4f(U[min(row + 3, last) * H4 + k]), v),
  );
}
