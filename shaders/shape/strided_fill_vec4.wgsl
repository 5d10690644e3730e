// strided_fill.wgsl in units of four elements, where the innermost axis has step 1 and multiples of 4 everywhere.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 8;
override WHOLE: bool = false; // the value is params.whole, not params.value: integers that f32 cannot hold

struct Params {
  size: u32, offset: u32, value: f32, whole: i32,
// Innermost axis first.
  shape: array<vec4u, 2>, begin: array<vec4u, 2>, step: array<vec4u, 2>, count: array<vec4u, 2>, strides: array<vec4u, 2>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  var rest = i;
  var at = params.offset;
  var inside = true;
  for (var d = 0u; d < RANK; d++) {
    let n = params.shape[d / 4u][d % 4u];
    let q = rest / n;
    // Before `begin` the difference wraps to more than any axis can hold.
    let ahead = rest - q * n - params.begin[d / 4u][d % 4u];
    let step = params.step[d / 4u][d % 4u];
    let j = ahead / step;
    inside = inside && j < params.count[d / 4u][d % 4u] && j * step == ahead;
    at += j * params.strides[d / 4u][d % 4u];
    rest = q;
  }
  var v = vec4<Scalar>(Scalar(params.value));
  if (WHOLE) { v = vec4<Scalar>(Scalar(params.whole)); }
  if (inside) { v = x[at]; }
  y[i] = v;
}
