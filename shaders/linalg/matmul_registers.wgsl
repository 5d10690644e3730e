// C = f(A B + bias), for devices whose workgroup memory is no faster than their caches (CPUs), and for products too small for tiles.
// Each invocation reads A and B straight from storage and keeps MB x NB blocks of 4 x 4 of C in registers.
#include "linalg/matmul.inc.wgsl"
#include "linalg/matmul_store.inc.wgsl"

override WX: u32 = 8; // invocations along N
override WY: u32 = 2; // and along M
const MB: u32 = 2; // tunable
const NB: u32 = 2; // tunable

@compute @workgroup_size(WX, WY)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let tile = tileOf(wid.y * nwg.x + wid.x);
  // Neighbours read neighbours: an invocation's second block of rows lies WY blocks on, that of columns WX blocks.
  let m0 = (tile.m * WY * MB + lid.y) * 4u;
  let m1 = m0 + WY * 4u;
  let n0 = (tile.n * WX * NB + lid.x) * 4u;
  let n1 = n0 + WX * 4u;
  if (tile.batch >= params.batch || m0 >= params.m || n0 >= params.n) { return; }
  var c00: mat4x4f;
  var c01: mat4x4f;
  var c10: mat4x4f;
  var c11: mat4x4f;
  let end = min((tile.split + 1u) * params.range, params.k);
  for (var k = tile.split * params.range; k < end; k += 4u) {
    let b0 = rangeB(tile.at.y, k, n0, end);
    let a0 = rangeA(tile.at.x, m0, k, end);
    var b1: mat4x4f;
    var a1: mat4x4f;
    if (NB > 1u) { b1 = rangeB(tile.at.y, k, n1, end); }
    if (MB > 1u) { a1 = rangeA(tile.at.x, m1, k, end); }
    c00 += b0 * a0;
    if (NB > 1u) { c01 += b1 * a0; }
    if (MB > 1u) { c10 += b0 * a1; }
    if (MB > 1u && NB > 1u) { c11 += b1 * a1; }
  }
  finishBlocks(tile, m0, n0, vec2u(WY, WX) * 4u, vec2u(MB, NB), c00, c01, c10, c11);
}
