// dweight = sum over rows of dy (x - mean) r, dbias = sum over rows of dy: the chunk of rows that a workgroup has, or all of them (FINAL).
// LANES invocations share a column of a chunk; sums of 64 rows are summed in turn. layer_norm_weights_merge.wgsl adds up the chunks.
// flops: 5 * rows * cols
#include "lib/lanes.inc.wgsl"
#include "lib/lane_sums.inc.wgsl"

alias Scalar = f32; // dtype
override FINAL: bool = true;

struct Params { outputs: u32, rows: u32, cols: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;             // [rows, cols]
@group(0) @binding(2) var<storage, read> dy: array<Scalar>;            // as x
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;          // [rows] of (mean, r)
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>; // [chunks, cols] of (dweight, dbias); outputs of them
@group(0) @binding(5) var<storage, read_write> dweight: array<Scalar>; // [cols]
@group(0) @binding(6) var<storage, read_write> dbias: array<Scalar>;   // [cols]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let col = out % params.cols;
  let begin = (out / params.cols) * params.chunk;
  // Lanes past the last output stay for the barriers.
  let end = select(0u, min(begin + params.chunk, params.rows), out < params.outputs);
  var total = vec2f(0.0);
  var row = begin + lane;
  while (row < end) {
    var part = vec2f(0.0);
    for (var k = 0u; k < 64u && row < end; k++) {
      let own = stats[row];
      let at = row * params.cols + col;
      let g = f32(dy[at]);
      part += vec2f(g * (f32(x[at]) - own.x) * own.y, g);
      row += LANES;
    }
    total += part;
  }
  total = sumLanes(total, lid, lane);
  if (lane > 0u || out >= params.outputs) { return; }
  if (FINAL) {
    dweight[col] = Scalar(total.x);
    dbias[col] = Scalar(total.y);
  } else {
    partials[out] = total;
  }
}
