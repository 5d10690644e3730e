// dx_j = dy scale (softmax(x)_j Q - q_j), with the target q and its sum Q as in cross_entropy.wgsl, whose stats make it element-wise. One
// invocation an element of [outer, axis, inner].
#include "lib/index.inc.wgsl"
#include "lib/cross_entropy.inc.wgsl"

alias Scalar = f32; // dtype
alias Target = i32; // dtype
override WG: u32 = 256;

struct Params { size: u32, rows: u32, axis: u32, inner: u32, smoothing: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, axis, inner]; size of them
@group(0) @binding(2) var<storage, read> targets: array<Target>;  // [outer, inner], or as x
@group(0) @binding(3) var<storage, read> stats: array<vec4f>;     // [rows + 1]: (m, Q w / s, w, loss), and at the end the scale
@group(0) @binding(4) var<storage, read> dy: array<Scalar>;       // [outer, inner], or [1] where the losses were summed
@group(0) @binding(5) var<storage, read_write> dx: array<Scalar>; // as x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  let group = i / params.inner;
  let row = (group / params.axis) * params.inner + i % params.inner;
  let own = stats[row];
  var q = params.smoothing / f32(params.axis);
  if (PROBS) {
    q += (1.0 - params.smoothing) * f32(targets[i]);
  } else if (u32(targets[row]) == group % params.axis) {
    q += 1.0 - params.smoothing;
  }
  var scale = f32(dy[select(row, 0u, REDUCTION != NONE)]);
  if (REDUCTION == MEAN) { scale *= stats[params.rows].x; }
  dx[i] = Scalar(select(scale * (exp(f32(x[i]) - own.x) * own.y - own.z * q), 0.0, own.z == 0.0));
}
