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
const STEPS = select(select(1u, 2u, DEPTH % 2u == 0u), 4u, DEPTH % 4u == 0u); // of four k, written out
const BLOCKS_A = ROWS * DEPTH;
const BLOCKS_B = COLUMNS * DEPTH;
const SHARED = BLOCKS_A + BLOCKS_B <= WG; // whether some bring A while the others bring B
// Four k at a time and blocks of four, swizzled so that neighbours that store do not share a bank of memory.
var<workgroup> tileA: array<vec4f, BLOCKS_A * 4u>; // [BK][ROWS], vec4 along M
var<workgroup> tileB: array<vec4f, BLOCKS_B * 4u>; // [BK][COLUMNS], vec4 along N

fn placeA(depth: u32, row: u32) -> u32 { return 4u * depth * ROWS + (row ^ select(0u, depth * (8u / DEPTH) % 8u, ROWS % 8u == 0u)); }
fn placeB(depth: u32, column: u32) -> u32 { return 4u * depth * COLUMNS + (column ^ select(0u, depth * (8u / DEPTH) % 8u, COLUMNS % 8u == 0u)); }

// Neighbours are squares of 2 x 2: with eight of them reading two or four addresses of an operand, GPUs read it twice as fast.
fn laneOf(index: u32) -> vec2u {
  if (WX % 2u + WY % 2u > 0u) { return vec2u(index % WX, index / WX); }
  return vec2u(index / 4u % (WX / 2u) * 2u + index % 2u, index / (2u * WX) * 2u + index / 2u % 2u);
}

alias Sums = array<mat4x4f, 4>; // of block m of rows and n of columns at 2 m + n; a row is a column of its matrix

// c + the products of all of a with all of b, by fused steps, which GPUs have.
fn outer(c: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(fma(a.xxxx, b, c[0]), fma(a.yyyy, b, c[1]), fma(a.zzzz, b, c[2]), fma(a.wwww, b, c[3]));
}
// Adds what four k give. Written out, and so where it is called: GPUs leave loops as they are, and do not read ahead in them.
fn addFour(c: ptr<function, Sums>, depth: u32, lane: vec2u) {
  let a = vec2u(placeA(depth, lane.y), placeA(depth, lane.y + WY));
  let b = vec2u(placeB(depth, lane.x), placeB(depth, lane.x + WX));
  addOne(c, a, b);
  addOne(c, a + ROWS, b + COLUMNS);
  addOne(c, a + 2u * ROWS, b + 2u * COLUMNS);
  addOne(c, a + 3u * ROWS, b + 3u * COLUMNS);
}
fn addOne(c: ptr<function, Sums>, a: vec2u, b: vec2u) {
  let a0 = tileA[a.x];
  let b0 = tileB[b.x];
  (*c)[0] = outer((*c)[0], a0, b0);
  if (NB > 1u) { (*c)[1] = outer((*c)[1], a0, tileB[b.y]); }
  if (MB > 1u) {
    let a1 = tileA[a.y];
    (*c)[2] = outer((*c)[2], a1, b0);
    if (NB > 1u) { (*c)[3] = outer((*c)[3], a1, tileB[b.y]); }
  }
}

@compute @workgroup_size(WX, WY)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let tile = tileOf(wid.y * nwg.x + wid.x, 1u, 0u);
  if (tile.batch >= params.batch) { return; }
  // The blocks that this invocation brings, in the order in which neighbours read neighbours.
  let forA = vec2u(select(index / DEPTH, index % ROWS, A_BY_M), select(index % DEPTH, index / ROWS, A_BY_M));
  let shifted = select(index, index - (WG - BLOCKS_B), SHARED);
  let forB = vec2u(select(shifted / COLUMNS, shifted % DEPTH, B_BY_K), select(shifted % COLUMNS, shifted / DEPTH, B_BY_K));
  var nextA: mat4x4f;
  var nextB: mat4x4f;
  var c: Sums;
  let lane = laneOf(index);
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
        let at = placeA(forA.y, forA.x);
        let x = transpose(nextA);
        tileA[at] = x[0];
        tileA[at + ROWS] = x[1];
        tileA[at + 2u * ROWS] = x[2];
        tileA[at + 3u * ROWS] = x[3];
      }
      if (shifted < BLOCKS_B) {
        let at = placeB(forB.x, forB.y);
        tileB[at] = nextB[0];
        tileB[at + COLUMNS] = nextB[1];
        tileB[at + 2u * COLUMNS] = nextB[2];
        tileB[at + 3u * COLUMNS] = nextB[3];
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
      for (var d = 0u; d < DEPTH; d += STEPS) {
        addFour(&c, d, lane);
        if (STEPS > 1u) { addFour(&c, d + 1u, lane); }
        if (STEPS > 2u) { addFour(&c, d + 2u, lane); }
        if (STEPS > 3u) { addFour(&c, d + 3u, lane); }
      }
    }
  }
  finishBlocks(tile, (tile.m * ROWS + lane.y) * 4u, (tile.n * COLUMNS + lane.x) * 4u, vec2u(WY, WX) * 4u, vec2u(MB, NB), c[0], c[1], c[2], c[3]);
}
