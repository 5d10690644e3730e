// dx[j] = dy * the product of all other elements of the row: p / x[j] without zeros, p at the only zero, else 0, with p the product of the
// elements that are not zero. Along the middle axis of [outer, axis, inner]; LANES invocations share a row.
// flops: 2 * rows * axis
#include "lib/lanes.inc.wgsl"

alias Scalar = f32; // dtype

struct Params { rows: u32, axis: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, axis, inner], rows = outer * inner
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;       // [outer, inner]
@group(0) @binding(3) var<storage, read_write> dx: array<Scalar>; // as x

var<workgroup> laneProducts: array<vec2f, WG>;

fn join(a: vec2f, b: vec2f) -> vec2f { return vec2f(a.x * b.x, a.y + b.y); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  let first = firstOf(row, params.axis, params.inner);
  // Lanes past the last row stay for the barriers.
  let end = select(first, first + params.axis * params.inner, row < params.rows);
  var own = vec2f(1.0, 0.0); // the product, and the number of zeros
  for (var at = first + lane * params.inner; at < end; at += step) {
    let v = f32(x[at]);
    if (v == 0.0) { own.y += 1.0; } else { own.x *= v; }
  }
  if (LANES > 1u) {
    laneProducts[lid] = own;
    for (var s = LANES / 4u; s > 1u; s /= 2u) {
      workgroupBarrier();
      if (inHalf(lane) < s) { laneProducts[lid] = join(laneProducts[lid], laneProducts[lid + ahead(s)]); }
    }
    // The last step stands by itself: SwiftShader waits at the end of a loop, and would hide that the barrier after it is needed.
    workgroupBarrier();
    if (LANES > 2u && inHalf(lane) == 0u) { laneProducts[lid] = join(laneProducts[lid], laneProducts[lid + ahead(1u)]); }
    workgroupBarrier();
    let firstLane = lid - ahead(lane);
    own = join(laneProducts[firstLane], laneProducts[firstLane + ahead(LANES / 2u)]);
  }
  if (row >= params.rows) { return; }
  let scaled = f32(dy[row]) * own.x;
  for (var at = first + lane * params.inner; at < end; at += step) {
    let v = f32(x[at]);
    var slope = 0.0;
    if (own.y == 0.0) { slope = scaled / v; } else if (own.y == 1.0 && v == 0.0) { slope = scaled; }
    dx[at] = Scalar(slope);
  }
}
