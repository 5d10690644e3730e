// dx[o, j, i] = sum of dy[o, c, i] over the places c that pad_axis.wgsl fills from j, in ascending order of c (for REFLECT: those it meets
// the right way round, then the mirrored). One invocation an element of dx.
// flops: size / length * padded
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override OP: u32 = 0;
const EDGE = 1u; // op
const REFLECT = 2u; // op
const WRAP = 3u; // op

struct Params { size: u32, length: u32, padded: u32, inner: u32, before: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;        // [outer, padded, inner]
@group(0) @binding(2) var<storage, read_write> dx: array<Scalar>;  // [outer, length, inner] = [size]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let n = params.length;
  let row = at / params.inner;
  let o = row / n;
  let j = row - o * n;
  let base = o * params.padded * params.inner + at - row * params.inner;
  var sum = 0.0;
  if (OP == EDGE) {
    let first = select(j + params.before, 0u, j == 0u);
    let end = select(j + params.before + 1u, params.padded, j == n - 1u);
    for (var c = first; c < end; c++) { sum += f32(dy[base + c * params.inner]); }
  } else {
    let period = select(max(1u, 2u * n - 2u), n, OP == WRAP);
    for (var c = (j + params.before) % period; c < params.padded; c += period) { sum += f32(dy[base + c * params.inner]); }
    if (OP == REFLECT && j > 0u && j < n - 1u) {
      for (var c = (period - j + params.before) % period; c < params.padded; c += period) { sum += f32(dy[base + c * params.inner]); }
    }
  }
  dx[at] = Scalar(sum);
}
