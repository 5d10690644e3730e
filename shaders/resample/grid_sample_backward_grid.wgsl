// The gradient of a bilinear `gridSample` to the grid: the sum over the channels of dy times the slopes of the surface through the four elements around a
// place, times those of the coordinates. An invocation has all channels of four places.
// flops: 14 * N * C * P
#include "lib/grid_sample_lanes.inc.wgsl"

@group(0) @binding(3) var<storage, read> dy: array<Scalar>;          // [N, C, P]
@group(0) @binding(4) var<storage, read_write> dgrid: array<Scalar>; // [N, P, 2]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let place = placeOf(linearIndex(wid, nwg, lid, WG));
  if (place.n >= params.N) { return; }
  let across = sourcesAt(place, 0u, params.W);
  let down = sourcesAt(place, 1u, params.H);
  let column = floor(across.at);
  let row = floor(down.at);
  let first = cornerOf(column, row);
  let right = cornerOf(column + 1.0, row);
  let below = cornerOf(column, row + 1.0);
  let last = cornerOf(column + 1.0, row + 1.0);
  let u = across.at - column;
  let v = down.at - row;
  var sumX = vec4f();
  var sumY = vec4f();
  for (var c = 0u; c < params.C; c++) {
    let plane = (place.n * params.C + c) * params.H * params.W;
    let a = valuesAt(plane, first);
    let b = valuesAt(plane, right);
    let e = valuesAt(plane, below);
    let f = valuesAt(plane, last);
    let i = (place.n * params.C + c) * params.P + min(place.p + LANES, vec4u(params.P - 1u));
    let slope = vec4f(f32(dy[i.x]), f32(dy[i.y]), f32(dy[i.z]), f32(dy[i.w]));
    sumX += slope * ((b - a) * (1.0 - v) + (f - e) * v);
    sumY += slope * ((e - a) * (1.0 - u) + (f - b) * u);
  }
  sumX *= across.slope;
  sumY *= down.slope;
  let to = (place.n * params.P + place.p) * 2u;
  let lanes = min(4u, params.P - place.p);
  dgrid[to] = Scalar(sumX.x);
  dgrid[to + 1u] = Scalar(sumY.x);
  if (lanes > 1u) {
    dgrid[to + 2u] = Scalar(sumX.y);
    dgrid[to + 3u] = Scalar(sumY.y);
  }
  if (lanes > 2u) {
    dgrid[to + 4u] = Scalar(sumX.z);
    dgrid[to + 5u] = Scalar(sumY.z);
  }
  if (lanes > 3u) {
    dgrid[to + 6u] = Scalar(sumX.w);
    dgrid[to + 7u] = Scalar(sumY.w);
  }
}
