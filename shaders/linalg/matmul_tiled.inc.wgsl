// C = f(A B + bias) for GPUs. A workgroup computes a tile of C, BK of K at a time: its invocations bring a tile of A and one of B into
// workgroup memory, a block of 4 x 4 each, and keep MB x NB blocks of C each in registers. While they compute with one pair of tiles, the
// next one is on its way.
#include "linalg/matmul.inc.wgsl"

const WX: u32 = 8; // tunable; invocations along N
const WY: u32 = 8; // tunable; and along M
const MB: u32 = 2; // tunable; blocks of an invocation along M
const NB: u32 = 2; // tunable; and along N
const BK: u32 = 16; // tunable

const WG = WX * WY;
const ROWS = WY * MB; // of blocks in a tile of A
const COLUMNS = WX * NB; // of blocks in a tile of B
const DEPTH = BK / 4u;
const BLOCKS_A = ROWS * DEPTH;
const BLOCKS_B = COLUMNS * DEPTH;
const SHARED = BLOCKS_A + BLOCKS_B <= WG; // whether some bring A while the others bring B
var<workgroup> tileA: array<vec4f, BLOCKS_A * 4u>; // [ROWS * 4][DEPTH], vec4 along K
var<workgroup> tileB: array<vec4f, BLOCKS_B * 4u>; // [BK][COLUMNS], vec4 along N

// c + a b, for blocks: the columns of a, b and c are rows of the matrices.
fn multiplyAdd(c: mat4x4f, a: mat4x4f, b: mat4x4f) -> mat4x4f {
  return mat4x4f(addRow(c[0], a[0], b), addRow(c[1], a[1], b), addRow(c[2], a[2], b), addRow(c[3], a[3], b));
}
fn addRow(c: vec4f, x: vec4f, b: mat4x4f) -> vec4f {
  return fma(x.wwww, b[3], fma(x.zzzz, b[2], fma(x.yyyy, b[1], fma(x.xxxx, b[0], c))));
}

fn readA(row: u32, depth: u32) -> mat4x4f {
  let i = row * 4u * DEPTH + depth;
  return mat4x4f(tileA[i], tileA[i + DEPTH], tileA[i + 2u * DEPTH], tileA[i + 3u * DEPTH]);
}
fn readB(depth: u32, column: u32) -> mat4x4f {
  let i = depth * 4u * COLUMNS + column;
  return mat4x4f(tileB[i], tileB[i + COLUMNS], tileB[i + 2u * COLUMNS], tileB[i + 3u * COLUMNS]);
}

@compute @workgroup_size(WX, WY)
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_id) lid: vec3u, @builtin(local_invocation_index) index: u32,
) {
  let tile = tileOf(wid.y * nwg.x + wid.x);
  if (tile.batch >= params.batch) { return; }
  // The blocks that this invocation brings, in the order in which neighbours read neighbours.
  let forA = vec2u(select(index / DEPTH, index % ROWS, A_BY_M), select(index % DEPTH, index / ROWS, A_BY_M));
  let shifted = select(index, index - (WG - BLOCKS_B), SHARED);
  let forB = vec2u(select(shifted / COLUMNS, shifted % DEPTH, B_BY_K), select(shifted % COLUMNS, shifted / DEPTH, B_BY_K));
  let m = (tile.m * ROWS + forA.x) * 4u;
  let n = (tile.n * COLUMNS + forB.y) * 4u;
  var nextA: mat4x4f;
  var nextB: mat4x4f;
  var c00: mat4x4f;
  var c01: mat4x4f;
  var c10: mat4x4f;
  var c11: mat4x4f;
  let begin = tile.split * params.range;
  let end = min(begin + params.range, params.k);
  if (index < BLOCKS_A) { nextA = rangeA(tile.at.x, m, begin + forA.y * 4u, end); }
  if (shifted < BLOCKS_B) { nextB = rangeB(tile.at.y, begin + forB.x * 4u, n, end); }
  for (var k = begin; k < end; k += BK) {
    workgroupBarrier(); // all are done with the last tiles
    if (index < BLOCKS_A) {
      let i = forA.x * 4u * DEPTH + forA.y;
      tileA[i] = nextA[0];
      tileA[i + DEPTH] = nextA[1];
      tileA[i + 2u * DEPTH] = nextA[2];
      tileA[i + 3u * DEPTH] = nextA[3];
    }
    if (shifted < BLOCKS_B) {
      let i = forB.x * 4u * COLUMNS + forB.y;
      tileB[i] = nextB[0];
      tileB[i + COLUMNS] = nextB[1];
      tileB[i + 2u * COLUMNS] = nextB[2];
      tileB[i + 3u * COLUMNS] = nextB[3];
    }
    workgroupBarrier(); // the tiles are complete
    if (k + BK < end) {
      if (index < BLOCKS_A) { nextA = rangeA(tile.at.x, m, k + BK + forA.y * 4u, end); }
      if (shifted < BLOCKS_B) { nextB = rangeB(tile.at.y, k + BK + forB.x * 4u, n, end); }
    }
    for (var d = 0u; d < DEPTH; d++) {
      let b0 = readB(d, lid.x);
      let a0 = readA(lid.y, d);
      c00 = multiplyAdd(c00, a0, b0);
      if (NB > 1u) { c01 = multiplyAdd(c01, a0, readB(d, lid.x + WX)); }
      if (MB > 1u) {
        let a1 = readA(lid.y + WY, d);
        c10 = multiplyAdd(c10, a1, b0);
        if (NB > 1u) { c11 = multiplyAdd(c11, a1, readB(d, lid.x + WX)); }
      }
    }
  }
  finishBlocks(tile, (tile.m * ROWS + lid.y) * 4u, (tile.n * COLUMNS + lid.x) * 4u, vec2u(WY, WX) * 4u, vec2u(MB, NB), c00, c01, c10, c11);
}
