// What the sequence kernels of recurrent/ share. A workgroup runs four sequences from end to end, an invocation owns four units of each: a 4 x 4
// block. What it reads of the recurrent matrix U thus serves four sequences, and what it reads of their states four units, so that loads, which
// cost most, are few.
alias Scalar = f32; // dtype
alias Index = u32; // dtype
override WG: u32 = 32;              // ceil(H / 4): one invocation for each four units; also the width of U in vec4s
override LENGTHS: bool = false;     // otherwise `lengths` is bound to anything and not read
override REVERSE: bool = false;     // from the last element of each sequence to its first

struct Params { B: u32, T: u32, H: u32 }
@group(0) @binding(0) var<uniform> params: Params;

// The steps of sequence b, none past the last one.
fn lengthOf(b: u32) -> u32 {
  if (b >= params.B) { return 0u; }
  if (LENGTHS) { return min(u32(lengths[b]), params.T); }
  return params.T;
}

// The position in time that step s of a sequence of `length` visits; past the end, the padding in order.
fn position(s: u32, length: u32) -> u32 {
  if (REVERSE && s < length) { return length - 1u - s; }
  return s;
}

// Rows j..j+3 of U at one vec4 of the columns, as the columns of a matrix; rows past the last are those of the last.
fn rows(j: u32, last: u32, k: u32) -> mat4x4f {
  return mat4x4f(
    vec4f(U[j * WG + k]),
    vec4f(U[min(j + 1u, last) * WG + k]),
    vec4f(U[min(j + 2u, last) * WG + k]),
    vec4f(U[min(j + 3u, last) * WG + k]),
  );
}
