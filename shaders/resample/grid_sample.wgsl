// y = x at the places of a grid: the sum over the four elements around a place of x (1 - |dx|) (1 - |dy|), or the nearest element (PyTorch's grid_sample).
// flops: 8 * N * C * P
#include "lib/grid_sample_lanes.inc.wgsl"

@group(0) @binding(3) var<storage, read_write> y: array<Scalar>; // [N, C, P]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let place = placeOf(linearIndex(wid, nwg, lid, WG));
  if (place.n >= params.N) { return; }
  let across = sourcesAt(place, 0u, params.W).at;
  let down = sourcesAt(place, 1u, params.H).at;
  let column = firstOf(across);
  let row = firstOf(down);
  let first = cornerOf(column, row);
  let right = cornerOf(column + 1.0, row);
  let below = cornerOf(column, row + 1.0);
  let last = cornerOf(column + 1.0, row + 1.0);
  let u = across - column;
  let v = down - row;
  let lanes = min(4u, params.P - place.p);
  for (var c = place.channel; c < min(place.channel + params.chunk, params.C); c++) {
    let plane = (place.n * params.C + c) * params.H * params.W;
    var sum = valuesAt(plane, first);
    if (!NEAREST) {
      sum = (sum * (1.0 - u) + valuesAt(plane, right) * u) * (1.0 - v) + (valuesAt(plane, below) * (1.0 - u) + valuesAt(plane, last) * u) * v;
    }
    let to = (place.n * params.C + c) * params.P + place.p;
    y[to] = Scalar(sum.x);
    if (lanes > 1u) { y[to + 1u] = Scalar(sum.y); }
    if (lanes > 2u) { y[to + 2u] = Scalar(sum.z); }
    if (lanes > 3u) { y[to + 3u] = Scalar(sum.w); }
  }
}
