// y[o, c, i] = x[o, s(c - before), i] along one axis, where s draws places beyond the ends back in: EDGE to the nearest end, REFLECT
// mirrored at the ends (period 2n - 2), WRAP around (period n). One invocation an element of y.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override OP: u32 = 0;
const EDGE = 1u; // op
const REFLECT = 2u; // op
const WRAP = 3u; // op

struct Params { size: u32, length: u32, padded: u32, inner: u32, before: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;        // [outer, length, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Scalar>;  // [outer, padded, inner] = [size]

fn modulo(k: i32, period: i32) -> i32 {
  let m = k % period;
  return select(m, m + period, m < 0);
}

fn source(k: i32, n: i32) -> i32 {
  if (OP == EDGE) { return clamp(k, 0, n - 1); }
  if (OP == WRAP) { return modulo(k, n); }
  let period = max(1, 2 * n - 2);
  let m = modulo(k, period);
  return min(m, period - m) % n; // for n = 1 the period is 1, and the remainder 0
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let at = linearIndex(wid, nwg, lid, WG);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let o = row / params.padded;
  let k = i32(row - o * params.padded) - i32(params.before);
  let j = u32(source(k, i32(params.length)));
  y[at] = x[(o * params.length + j) * params.inner + at - row * params.inner];
}
