// Sorts rows in tiles of TILE, each by one workgroup in its memory: a bitonic network (Batcher 1968) over pairs (key, place), whose order is
// strict, so that the sort is stable. Writes the first `keep` of each tile. FIRST: pairs are made from x; else they are read from an
// earlier round, whose survivors stand side by side.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
#include "lib/sort_key.inc.wgsl"
override WG: u32 = 256;
override TILE: u32 = 1024; // a power of two, at least 2
override FIRST: bool = true;

// Tiles in a row; width: places in a row of the result.
struct Params { rows: u32, n: u32, tiles: u32, keep: u32, width: u32, length: u32, kind: u32, mask: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;             // [rows, n]
@group(0) @binding(2) var<storage, read> keysIn: array<u32>;           // [rows, n]
@group(0) @binding(3) var<storage, read> orderIn: array<i32>;          // [rows, n]
@group(0) @binding(4) var<storage, read_write> keys: array<u32>;       // [rows, width]
@group(0) @binding(5) var<storage, read_write> order: array<i32>;      // [rows, width]

var<workgroup> tileKeys: array<u32, TILE>;
var<workgroup> tileOrder: array<u32, TILE>;

// Puts each pair of places `step` apart in order, ascending and descending by turns of `span`.
fn exchange(lid: u32, span: u32, step: u32) {
  for (var p = lid; p < TILE / 2u; p += WG) {
    let a = 2u * p - (p & (step - 1u));
    let b = a + step;
    let after = tileKeys[a] > tileKeys[b] || (tileKeys[a] == tileKeys[b] && tileOrder[a] > tileOrder[b]);
    if (after == ((a & span) == 0u)) {
      let key = tileKeys[a];
      let place = tileOrder[a];
      tileKeys[a] = tileKeys[b];
      tileOrder[a] = tileOrder[b];
      tileKeys[b] = key;
      tileOrder[b] = place;
    }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let tile = wid.y * nwg.x + wid.x;
  if (tile >= params.rows * params.tiles) { return; }
  let row = tile / params.tiles;
  let t = tile - row * params.tiles;
  let begin = t * TILE;
  for (var i = lid; i < TILE; i += WG) {
    // Beyond the row: after everything that can be in it.
    var key = 0xffffffffu;
    var place = 0xffffffffu;
    if (begin + i < params.n) {
      let at = row * params.n + begin + i;
      if (FIRST) { key = sortKey(x[at]); } else { key = keysIn[at]; }
      if (FIRST) { place = begin + i; } else { place = u32(orderIn[at]); }
    }
    tileKeys[i] = key;
    tileOrder[i] = place;
  }
  for (var span = 2u; span <= TILE; span = span * 2u) {
    for (var step = span / 2u; step > select(0u, 1u, span == TILE); step = step / 2u) {
      workgroupBarrier();
      exchange(lid, span, step);
    }
  }
  // The last step stands by itself, and the result is read from the end: SwiftShader waits at the end of a loop and runs invocations in order,
  // and would hide that the barrier after it is needed.
  workgroupBarrier();
  exchange(lid, TILE, 1u);
  workgroupBarrier();
  let count = min(params.keep, params.n - begin);
  for (var i = lid; i < count; i += WG) {
    let last = count - 1u - i;
    let to = row * params.width + t * params.keep + last;
    keys[to] = tileKeys[last];
    order[to] = i32(tileOrder[last]);
  }
}
