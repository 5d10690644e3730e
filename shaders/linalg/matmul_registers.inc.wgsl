// C = f(A B + bias), for devices whose workgroup memory is no faster than their caches (CPUs), and for products too small for tiles.
// Each invocation reads A and B straight from storage and keeps MB x NB blocks of 4 x 4 of C in registers. A kernel that includes this says how a
// block of A is read, by how many neighbours along N together (SHARERS), and how C is stored.
#include "linalg/matmul.inc.wgsl"

override WX: u32 = 8; // invocations along N
override WY: u32 = 2; // and along M
override WZ: u32 = 1; // and along the batch and the ranges of K
const MB: u32 = 2; // tunable
const NB: u32 = 2; // tunable

@compute @workgroup_size(WX, WY, WZ)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let tile = tileOf(wid.y * nwg.x + wid.x, WZ, lid.z);
  // Neighbours read neighbours: an invocation's second block of rows lies WY blocks on, that of columns WX blocks.
  let m0 = (tile.m * WY * MB + lid.y) * 4u;
  let m1 = m0 + WY * 4u;
  let n0 = (tile.n * WX * NB + lid.x) * 4u;
  let n1 = n0 + WX * 4u;
  // Those that read A together stay together.
  if (tile.batch >= params.batch || m0 >= params.m || n0 - 4u * (lid.x % SHARERS) >= params.n) { return; }
  var c00: mat4x4f;
  var c01: mat4x4f;
  var c10: mat4x4f;
  var c11: mat4x4f;
  let span = spanOf(tile);
  let nextA = stepA();
  let nextB = stepB();
  for (var run = span.run; run < span.lastRun; run++) {
    let at = runAt(tile, run);
    var linesA0 = linesA(at.x, m0, span.k);
    var linesA1 = linesA(at.x, m1, span.k);
    var linesB0 = linesB(at.y, span.k, n0);
    var linesB1 = linesB(at.y, span.k, n1);
    for (var k = span.k; k < span.end; k += 4u) {
      let left = i32(span.end - k);
      let a0 = headA(blockA(linesA0, lid.x), left);
      let b0 = headB(readB(linesB0), left);
      linesA0 += nextA;
      linesB0 += nextB;
      c00 = multiplyAdd(c00, a0, b0);
      var a1: mat4x4f;
      if (MB > 1u) {
        a1 = headA(blockA(linesA1, lid.x), left);
        linesA1 += nextA;
        c10 = multiplyAdd(c10, a1, b0);
      }
      if (NB > 1u) {
        let b1 = headB(readB(linesB1), left);
        linesB1 += nextB;
        c01 = multiplyAdd(c01, a0, b1);
        if (MB > 1u) { c11 = multiplyAdd(c11, a1, b1); }
      }
    }
  }
  finishBlocks(tile, m0, n0, vec2u(WY, WX) * 4u, vec2u(MB, NB), c00, c01, c10, c11);
}
