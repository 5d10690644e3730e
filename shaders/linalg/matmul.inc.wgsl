// What the matrix products share: operands read in blocks of 4 x 4, whatever their strides, and the end of a product.
// flops: batch * m * n * (2 * k * runs + BIAS + min(ACTIVATION, 1))
#include "lib/math.inc.wgsl"
#include "lib/activation.inc.wgsl"

alias Scalar = f32; // dtype
alias Out = f32; // dtype
override A_BY_M: bool = false;  // whether A's rows are neighbours in memory (it is stored transposed); else its columns are
override B_BY_K: bool = false;  // whether B's rows are neighbours in memory (it is stored transposed); else its columns are
override A_VEC4: bool = false;  // whether all of A can be read by vec4 along that direction
override B_VEC4: bool = false;
override ONE_ROW: bool = false; // whether M is 1
override TAIL: bool = true;     // whether K is no multiple of 4
override RUNS: bool = false;    // whether K is `runs` runs of k, which lie apart in A and B (see convolution); else it is one
override PARTIAL: bool = false; // whether C takes the sums of one range of K each, for matmul_sum.wgsl to add
override BIAS: bool = false;
override SAVE: bool = false;    // whether A B + bias is stored as well, from params.saveAt on

struct Params {
  m: u32, n: u32, k: u32, batch: u32,
  tilesM: u32, tilesN: u32, splits: u32, range: u32, // K is split in ranges of `range` k, a multiple of 4, or runs
  aM: u32, aK: u32, bK: u32, bN: u32, biasM: u32, biasN: u32, // strides in elements
  saveAt: u32, rank: u32, runs: u32,
  dims: array<vec4u, 6>, // of the batch, outermost first: size, and strides of A, B and bias
  runDims: array<vec4u, 3>, // the dimensions that number the runs: size, and strides of A and B
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Scalar>;        // [batch..., M, K] by its strides
@group(0) @binding(2) var<storage, read> a4: array<vec4<Scalar>>; // the same
@group(0) @binding(3) var<storage, read> b: array<Scalar>;        // [batch..., K, N] by its strides
@group(0) @binding(4) var<storage, read> b4: array<vec4<Scalar>>; // the same
@group(0) @binding(5) var<storage, read> bias: array<Scalar>;     // broadcast to C by its strides

#include "linalg/matmul_part.inc.wgsl"

// A block of 4 x 4 is read as four lines. Where they begin is worked out once, and moved on by a step for the next four k: few compilers
// would take that out of the loop. By vec4, a line is one vec4 along the direction in which the operand is contiguous, and counted in
// vec4s; otherwise it is four numbers along K for A and along N for B, whatever lies between. Lines past the end repeat the last one.
fn linesA(at: u32, m: u32, k: u32) -> vec4u {
  let four = vec4u(0u, 1u, 2u, 3u);
  if (A_VEC4 && A_BY_M) { return (at + min(m, params.m - 4u) + (k + four) * params.aK) / 4u; }
  let lines = at + min(m + four, vec4u(params.m - 1u)) * params.aM + k * params.aK;
  return select(lines, lines / 4u, A_VEC4);
}
fn linesB(at: u32, k: u32, n: u32) -> vec4u {
  let four = vec4u(0u, 1u, 2u, 3u);
  if (B_VEC4 && !B_BY_K) { return (at + min(n, params.n - 4u) + (k + four) * params.bK) / 4u; }
  let lines = at + min(n + four, vec4u(params.n - 1u)) * params.bN + k * params.bK;
  return select(lines, lines / 4u, B_VEC4);
}
fn stepA() -> u32 { return select(4u * params.aK, params.aK, A_VEC4); }
fn stepB() -> u32 { return select(4u * params.bK, params.bK, B_VEC4); }

// Rows m to m + 3 of A, columns k to k + 3: a row of A is a column of the result.
fn readA(lines: vec4u) -> mat4x4f {
  if (ONE_ROW) { return mat4x4f(rowA(lines.x), vec4f(), vec4f(), vec4f()); }
  if (!A_VEC4) { return mat4x4f(fourA(lines.x), fourA(lines.y), fourA(lines.z), fourA(lines.w)); }
  let x = mat4x4f(vec4f(a4[lines.x]), vec4f(a4[lines.y]), vec4f(a4[lines.z]), vec4f(a4[lines.w]));
  if (A_BY_M) { return transpose(x); }
  return x;
}
fn rowA(i: u32) -> vec4f {
  if (A_VEC4) { return vec4f(a4[i]); }
  return fourA(i);
}
fn fourA(i: u32) -> vec4f {
  return vec4f(f32(a[i]), f32(a[i + params.aK]), f32(a[i + 2u * params.aK]), f32(a[i + 3u * params.aK]));
}

// Rows k to k + 3 of B, columns n to n + 3: a row of B is a column of the result.
fn readB(lines: vec4u) -> mat4x4f {
  if (!B_VEC4) { return mat4x4f(fourB(lines), fourB(lines + params.bK), fourB(lines + 2u * params.bK), fourB(lines + 3u * params.bK)); }
  let x = mat4x4f(vec4f(b4[lines.x]), vec4f(b4[lines.y]), vec4f(b4[lines.z]), vec4f(b4[lines.w]));
  if (B_BY_K) { return transpose(x); }
  return x;
}
fn fourB(i: vec4u) -> vec4f { return vec4f(f32(b[i.x]), f32(b[i.y]), f32(b[i.z]), f32(b[i.w])); }

// The blocks with zeros, in both, where only `left` of the four k exist, since what lies beyond may be anything. Without a branch: in the
// innermost loop that costs more.
fn headA(x: mat4x4f, left: i32) -> mat4x4f {
  if (!TAIL) { return x; }
  let keep = vec4<bool>(left > 0, left > 1, left > 2, left > 3);
  return mat4x4f(select(vec4f(), x[0], keep), select(vec4f(), x[1], keep), select(vec4f(), x[2], keep), select(vec4f(), x[3], keep));
}
fn headB(x: mat4x4f, left: i32) -> mat4x4f {
  if (!TAIL) { return x; }
  return mat4x4f(x[0], select(vec4f(), x[1], left > 1), select(vec4f(), x[2], left > 2), select(vec4f(), x[3], left > 3));
}

// c + a b
fn multiplyAdd(c: mat4x4f, a: mat4x4f, b: mat4x4f) -> mat4x4f {
  if (ONE_ROW) { return mat4x4f(c[0] + b * a[0], vec4f(), vec4f(), vec4f()); }
  return c + b * a;
}

// Ends row m, columns n to n + 3 of C.
fn finish(tile: Tile, m: u32, n: u32, sum: vec4f) {
  if (m >= params.m || n >= params.n) { return; }
  let i = ((tile.split * params.batch + tile.batch) * params.m + m) * params.n + n;
  if (PARTIAL) {
    store4(i, n, sum);
    return;
  }
  var v = sum;
  if (BIAS) {
    let j = tile.at.z + m * params.biasM + n * params.biasN;
    v += vec4f(f32(bias[j]), f32(bias[j + params.biasN]), f32(bias[j + 2u * params.biasN]), f32(bias[j + 3u * params.biasN]));
  }
  if (SAVE) { store4(params.saveAt + i, n, v); }
  store4(i, n, activate4(v));
}

// Ends an invocation's blocks of C, which lie `step` rows and columns apart. A loop, since some compilers inline the end of a row each time.
fn finishBlocks(tile: Tile, m: u32, n: u32, step: vec2u, blocks: vec2u, c00: mat4x4f, c01: mat4x4f, c10: mat4x4f, c11: mat4x4f) {
  var rows = array<vec4f, 16>(
    c00[0], c00[1], c00[2], c00[3], c01[0], c01[1], c01[2], c01[3],
    c10[0], c10[1], c10[2], c10[3], c11[0], c11[1], c11[2], c11[3]);
  for (var i = 0u; i < blocks.x * blocks.y * 4u; i++) {
    let row = i % 4u;
    let at = vec2u(i / 4u / blocks.y, (i / 4u) % blocks.y);
    let which = at.x * 8u + at.y * 4u + row;
    finish(tile, m + at.x * step.x + row, n + at.y * step.y, rows[which]);
  }
}
