// For mul, div, pow, maximum and minimum: da = dy * df/da and db = dy * df/db at each element of out = f(a, b); what a or b was broadcast over is summed afterwards.
// flops: 2 * size * max(1, NEEDS - 1)
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/power.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"
#include "lib/operands.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override NEEDS: u32 = 3; // 1: da alone; 2: db alone; 3: both

struct Params { size: u32, value: f32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<Scalar>>;       // [size]
@group(0) @binding(2) var<storage, read> a: array<vec4<Scalar>>;
@group(0) @binding(3) var<storage, read> b: array<vec4<Scalar>>;
@group(0) @binding(4) var<storage, read_write> da: array<vec4<Scalar>>; // [size], one element where NEEDS leaves it out
@group(0) @binding(5) var<storage, read_write> db: array<vec4<Scalar>>; // [size], likewise

// (df/da, df/db)
fn derivatives(u: f32, v: f32) -> vec2f {
  switch (OP) {
    case MUL: { return vec2f(v, u); }
    case DIV: { return vec2f(1.0 / v, -(u / v) / v); }
    case POW: {
      let du = select(v * power(u, v - 1.0), 0.0, v == 0.0);
      let dv = select(power(u, v) * logExact(u), 0.0, u == 0.0 && v >= 0.0);
      return vec2f(du, dv);
    }
    case MAXIMUM: { return vec2f(share(u, v), share(v, u)); }
    case MINIMUM: { return vec2f(share(v, u), share(u, v)); }
    default: { return vec2f(1.0, 1.0); }
  }
}

// What the larger of the two gets: all, or half where they are equal.
fn share(u: f32, v: f32) -> f32 { return select(select(0.0, 0.5, u == v), 1.0, u > v); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  let o = operandsAt(i);
  var u = vec4f(o.a);
  var v = vec4f(o.b);
  if (NUMBER == 1) { u = vec4f(params.value); }
  if (NUMBER == 2) { v = vec4f(params.value); }
  let d = vec4f(dy[i]);
  let d0 = derivatives(u.x, v.x);
  let d1 = derivatives(u.y, v.y);
  let d2 = derivatives(u.z, v.z);
  let d3 = derivatives(u.w, v.w);
  let ga = vec4<Scalar>(d * vec4f(d0.x, d1.x, d2.x, d3.x));
  let gb = vec4<Scalar>(d * vec4f(d0.y, d1.y, d2.y, d3.y));
  if (left >= 4) {
    if ((NEEDS & 1) != 0) { da[i] = ga; }
    if ((NEEDS & 2) != 0) { db[i] = gb; }
    return;
  }
  for (var k = 0u; k < left; k++) {
    if ((NEEDS & 1) != 0) { da[i][k] = ga[k]; }
    if ((NEEDS & 2) != 0) { db[i][k] = gb[k]; }
  }
}
