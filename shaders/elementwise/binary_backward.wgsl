// da = dy * df/da and db = dy * df/db at each element of out = f(a, b); what a or b was broadcast over is summed afterwards.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"
#include "lib/binary_ops.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override RANK: u32 = 0;   // as in binary.wgsl
override NUMBER: u32 = 0;
override NEEDS: u32 = 3;  // 1: da alone; 2: db alone; 3: both

struct Params { size: u32, value: f32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Scalar>;       // [size]
@group(0) @binding(2) var<storage, read> a: array<Scalar>;
@group(0) @binding(3) var<storage, read> b: array<Scalar>;
@group(0) @binding(4) var<storage, read_write> da: array<Scalar>; // [size], one element where NEEDS leaves it out
@group(0) @binding(5) var<storage, read_write> db: array<Scalar>; // [size], likewise

// (df/da, df/db)
fn derivatives(u: f32, v: f32) -> vec2f {
  switch (OP) {
    case ADD: { return vec2f(1.0, 1.0); }
    case SUB: { return vec2f(1.0, -1.0); }
    case MUL: { return vec2f(v, u); }
    case DIV: { return vec2f(1.0 / v, -(u / v) / v); }
    case POW: {
      let du = select(v * power(u, v - 1.0), 0.0, v == 0.0);
      let dv = select(power(u, v) * log(u), 0.0, u == 0.0 && v >= 0.0);
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
  if (i >= params.size) { return; }
  var at = vec2u(i, i);
  if (RANK > 0) {
    at = vec2u(0, 0);
    var rest = i;
    for (var d = 0u; d < RANK; d++) {
      let n = params.shape[d / 4][d % 4];
      let outer = rest / n;
      at += (rest - outer * n) * vec2u(params.aStrides[d / 4][d % 4], params.bStrides[d / 4][d % 4]);
      rest = outer;
    }
  }
  var u = params.value;
  var v = params.value;
  if (NUMBER != 1) { u = f32(a[at.x]); }
  if (NUMBER != 2) { v = f32(b[at.y]); }
  let d = f32(dy[i]) * derivatives(u, v);
  if ((NEEDS & 1) != 0) { da[i] = Scalar(d.x); }
  if ((NEEDS & 2) != 0) { db[i] = Scalar(d.y); }
}
