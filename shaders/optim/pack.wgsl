// Up to seven tensors into a flat storage, one after the other, each from a multiple of 16 vec4s on and followed by zeros up to the next. With
// SQUARES, partial sums of squares as well, in the same storage (WebGPU's eight bindings are used up): one an invocation, or with REDUCE one a
// workgroup. That makes fewer of them, but on software adapters its barriers take longer than all else here.
// flops: 8 * count * SQUARES
// bytes: 32 * count
override WG: u32 = 256;
override PER: u32 = 8; // vec4s an invocation, a workgroup apart
override SQUARES: bool = false;
override REDUCE: bool = false;
#include "lib/workgroup_sum.inc.wgsl"

// In vec4s: `count` of them from `base` on, tensor n from starts[n] (from base) on; in elements: `sizes`. Partial sums from `sums_at` on,
// each a vec4 yet to be summed.
struct Params { base: u32, count: u32, sums_at: u32, starts: array<vec4u, 2>, sizes: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<vec4f>;         // [sizes[0] / 4 rounded up], and so on
@group(0) @binding(2) var<storage, read> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read> x2: array<vec4f>;
@group(0) @binding(4) var<storage, read> x3: array<vec4f>;
@group(0) @binding(5) var<storage, read> x4: array<vec4f>;
@group(0) @binding(6) var<storage, read> x5: array<vec4f>;
@group(0) @binding(7) var<storage, read> x6: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> flat: array<vec4f>; // [total / 4 + sums]

fn load(n: u32, j: u32) -> vec4f {
  switch (n) {
    case 0u: { return x0[j]; }
    case 1u: { return x1[j]; }
    case 2u: { return x2[j]; }
    case 3u: { return x3[j]; }
    case 4u: { return x4[j]; }
    case 5u: { return x5[j]; }
    default: { return x6[j]; }
  }
}

// vec4 i of what is packed.
fn packed(i: u32) -> vec4f {
  var n = 0u;
  for (var k = 1u; k < 7u; k++) {
    if (i >= params.starts[k / 4u][k % 4u]) { n = k; }
  }
  let j = i - params.starts[n / 4u][n % 4u];
  let size = params.sizes[n / 4u][n % 4u];
  if (4u * j >= size) { return vec4f(); }
  let inside = vec4u(size) > vec4u(4u * j) + vec4u(0u, 1u, 2u, 3u);
  return select(vec4f(), load(n, j), inside);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * nwg.x + wid.x;
  var squares = vec4f();
  for (var k = 0u; k < PER; k++) {
    let i = (group * PER + k) * WG + lid;
    if (i < params.count) {
      let v = packed(i);
      flat[params.base + i] = v;
      squares += v * v;
    }
  }
  let there = group * PER * WG < params.count;
  if (SQUARES && REDUCE) {
    let sum = workgroupSum(dot(squares, vec4f(1.0)), lid);
    if (there && lid == 0u) { flat[params.sums_at + group] = vec4f(sum, 0.0, 0.0, 0.0); }
  } else if (SQUARES && there) {
    flat[params.sums_at + group * WG + lid] = squares;
  }
}
