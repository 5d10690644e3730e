// dx_j = dy scale (softmax(x)_j Q - q_j), with the target q and its sum Q as in cross_entropy.wgsl, whose stats make it element-wise. LANES
// invocations share a chunk of a row of [outer, axis, inner].
// flops: 5 * rows * axis
// bytes: x + targets + stats + WEIGHTED * weights + dy + dx
#include "lib/lanes.inc.wgsl"
#include "lib/cross_entropy.inc.wgsl"

alias Scalar = f32; // dtype
alias Target = i32; // dtype

struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, rows: u32, smoothing: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, axis, inner], rows = outer * inner, outputs = rows * splits
@group(0) @binding(2) var<storage, read> targets: array<Target>;  // [outer, inner], or as x
@group(0) @binding(3) var<storage, read> stats: array<vec4f>;     // [rows + 1]: (m, Q / s, w, loss), and at the end the scale
@group(0) @binding(4) var<storage, read> weights: array<Scalar>;  // [axis] with WEIGHTED
@group(0) @binding(5) var<storage, read> dy: array<Scalar>;       // [outer, inner], or [1] where the losses were summed
@group(0) @binding(6) var<storage, read_write> dx: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  if (out >= params.outputs) { return; }
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let own = stats[mine.row];
  var scale = f32(dy[select(mine.row, 0u, REDUCTION != NONE)]);
  if (REDUCTION == MEAN) { scale *= stats[params.rows].x; }
  let sharp = 1.0 - params.smoothing;
  let even = params.smoothing / f32(params.axis);
  var hot = params.axis; // the target class
  if (!PROBS) { hot = u32(targets[mine.row]); }
  for (var j = mine.begin + laneOf(lid); j < mine.stop; j += LANES) {
    let at = mine.first + j * params.inner;
    var q = even;
    if (PROBS) { q += sharp * f32(targets[at]); } else if (j == hot) { q += sharp; }
    if (WEIGHTED) { q *= f32(weights[j]); }
    dx[at] = Scalar(select(scale * (exp(f32(x[at]) - own.x) * own.y - q), 0.0, own.z < 0.0));
  }
}
