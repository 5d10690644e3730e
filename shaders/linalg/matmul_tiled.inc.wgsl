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

// c + a b by fused steps, which GPUs have.
fn fused(c: mat4x4f, a: mat4x4f, b: mat4x4f) -> mat4x4f {
  return mat4x4f(addRow(c[0], a[0], b), addRow(c[1], a[1], b), addRow(c[2], a[2], b), addRow(c[3], a[3], b));
}
fn addRow(c: vec4f, x: vec4f, b: mat4x4f) -> vec4f {
  return fma(x.wwww, b[3], fma(x.zzzz, b[2], fma(x.yyyy, b[1], fma(x.xxxx, b[0], c))));
}

fn tileBlockA(row: u32, depth: u32) -> mat4x4f {
  let i = row * 4u * DEPTH + depth;
  return mat4x4f(tileA[i], tileA[i + DEPTH], tileA[i + 2u * DEPTH], tileA[i + 3u * DEPTH]);
}
fn tileBlockB(depth: u32, column: u32) -> mat4x4f {
  let i = depth * 4u * COLUMNS + column;
  return mat4x4f(tileB[i], tileB[i + COLUMNS], tileB[i + 2u * COLUMNS], tileB[i + 3u * COLUMNS]);
}

@compute @workgroup_size(WX, WY)
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_id) lid: vec3u, @builtin(local_invocation_index) index: u32,
) {
  let tile = tileOf(wid.y * nwg.x + wid.x, 1u, 0u);
  if (tile.batch >= params.batch) { return; }
  // The blocks that this invocation brings, in the order in which neighbours read neighbours.
  let forA = vec2u(select(index / DEPTH, index % ROWS, A_BY_M), select(index % DEPTH, index / ROWS, A_BY_M));
  let shifted = select(index, index - (WG - BLOCKS_B), SHARED);
  let forB = vec2u(select(shifted / COLUMNS, shifted % DEPTH, B_BY_K), select(shifted % COLUMNS, shifted / DEPTH, B_BY_K));
  var nextA: mat4x4f;
  var nextB: mat4x4f;
  var c00: mat4x4f;
  var c01: mat4x4f;
  var c10: mat4x4f;
  var c11: mat4x4f;
  let span = spanOf(tile);
  for (var run = span.run; run < span.lastRun; run++) {
    let at = runAt(tile, run);
    var sourceA = linesA(at.x, (tile.m * ROWS + forA.x) * 4u, span.k + forA.y * 4u);
    var sourceB = linesB(at.y, span.k + forB.x * 4u, (tile.n * COLUMNS + forB.y) * 4u);
    // What is left of the range from this invocation's block on, which may be nothing: then the block is zeros.
    var leftA = i32(span.end) - i32(span.k + forA.y * 4u);
    var leftB = i32(span.end) - i32(span.k + forB.x * 4u);
    if (index < BLOCKS_A && leftA > 0) { nextA = headA(readA(sourceA), leftA); }
    if (shifted < BLOCKS_B && leftB > 0) { nextB = headB(readB(sourceB), leftB); }
    for (var k = span.k; k < span.end; k += BK) {
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
      sourceA += DEPTH * stepA();
      sourceB += DEPTH * stepB();
      leftA -= i32(BK);
      leftB -= i32(BK);
      nextA = mat4x4f();
      nextB = mat4x4f();
      if (index < BLOCKS_A && leftA > 0) { nextA = headA(readA(sourceA), leftA); }
      if (shifted < BLOCKS_B && leftB > 0) { nextB = headB(readB(sourceB), leftB); }
      for (var d = 0u; d < DEPTH; d++) {
        let b0 = tileBlockB(d, lid.x);
        let a0 = tileBlockA(lid.y, d);
        c00 = fused(c00, a0, b0);
        if (NB > 1u) { c01 = fused(c01, a0, tileBlockB(d, lid.x + WX)); }
        if (MB > 1u) {
          let a1 = tileBlockA(lid.y + WY, d);
          c10 = fused(c10, a1, b0);
          if (NB > 1u) { c11 = fused(c11, a1, tileBlockB(d, lid.x + WX)); }
        }
      }
    }
  }
  finishBlocks(tile, (tile.m * ROWS + lid.y) * 4u, (tile.n * COLUMNS + lid.x) * 4u, vec2u(WY, WX) * 4u, vec2u(MB, NB), c00, c01, c10, c11);
}
