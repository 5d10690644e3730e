// Appends rows to a cache of keys and values: of each entry b of the batch the rows r with starts[b] + r < ends[b], at row starts[b] + r. Rows of
// the cache are filled up to whole vec4s with zeros. An invocation has a number of a row of keys or of values.
// flops: 0
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;

struct Params { heads: u32, rows: u32, capacity: u32, d: u32, wide: u32, dv: u32, wideV: u32, countK: u32, count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> k: array<Scalar>;            // [B, H, rows, D]
@group(0) @binding(2) var<storage, read> v: array<Scalar>;            // [B, H, rows, Dv]
@group(0) @binding(3) var<storage, read> starts: array<u32>;          // [B]
@group(0) @binding(4) var<storage, read> ends: array<u32>;            // [B]
@group(0) @binding(5) var<storage, read_write> keys: array<Scalar>;   // [B, H, capacity, wide]
@group(0) @binding(6) var<storage, read_write> values: array<Scalar>; // [B, H, capacity, wideV]

// Where row `row` of the new ones goes, or the capacity where it is not to go anywhere.
fn placeOf(row: u32) -> u32 {
  let b = row / params.rows / params.heads;
  let place = starts[b] + row % params.rows;
  return select(params.capacity, place, place < ends[b]);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  let forK = i < params.countK;
  let wide = select(params.wideV, params.wide, forK);
  let at = select(i - params.countK, i, forK);
  let row = at / wide;
  let c = at % wide;
  let place = placeOf(row);
  if (place >= params.capacity) { return; }
  let to = (row / params.rows * params.capacity + place) * wide + c;
  if (forK) { keys[to] = select(Scalar(0), k[row * params.d + min(c, params.d - 1u)], c < params.d); }
  else { values[to] = select(Scalar(0), v[row * params.dv + min(c, params.dv - 1u)], c < params.dv); }
}
