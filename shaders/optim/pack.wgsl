// Up to seven tensors into a flat storage, one after the other, each from a multiple of 16 vec4s on and followed by zeros up to the next. With
// SQUARES, partial sums of squares as well, in the same storage (WebGPU's eight bindings are used up): one an invocation, or with REDUCE one a
// workgroup. That makes fewer of them, but on software adapters its barriers take longer than all else here.
// flops: 8 * count * SQUARES
// bytes: 32 * count
override WG: u32 = 256;
override SQUARES: bool = false;
override REDUCE: bool = false;
#include "lib/workgroup_sum.inc.wgsl"

// In vec4s: `count` of them from `base` on, tensor n from starts[n] (from base) to starts[n + 1]; in elements: `sizes`. `groups` workgroups leave
// partial sums from `sums_at` on, each a vec4 yet to be summed.
struct Params { base: u32, count: u32, groups: u32, sums_at: u32, starts: array<vec4u, 2>, sizes: array<vec4u, 2> }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<vec4f>;         // [sizes[0] / 4 rounded up], and so on
@group(0) @binding(2) var<storage, read> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read> x2: array<vec4f>;
@group(0) @binding(4) var<storage, read> x3: array<vec4f>;
@group(0) @binding(5) var<storage, read> x4: array<vec4f>;
@group(0) @binding(6) var<storage, read> x5: array<vec4f>;
@group(0) @binding(7) var<storage, read> x6: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> flat: array<vec4f>; // [total / 4 + sums]

// Puts vec4 j of a tensor where it belongs, with zeros past its end, and returns its squares.
fn put(start: u32, size: u32, j: u32, x: vec4f) -> vec4f {
  let v = select(vec4f(), x, vec4u(size) > vec4u(4u * j) + vec4u(0u, 1u, 2u, 3u));
  flat[params.base + start + j] = v;
  return v * v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * nwg.x + wid.x;
  let at = params.starts;
  let size = params.sizes;
  // Each tensor in turn, shared out among all invocations: to look for the tensor of each vec4 costs more than to move it.
  let first = group * WG + lid;
  let step = params.groups * WG;
  var squares = vec4f();
  if (group < params.groups) {
    for (var j = first; j < at[0].y - at[0].x; j += step) { squares += put(at[0].x, size[0].x, j, x0[j]); }
    for (var j = first; j < at[0].z - at[0].y; j += step) { squares += put(at[0].y, size[0].y, j, x1[j]); }
    for (var j = first; j < at[0].w - at[0].z; j += step) { squares += put(at[0].z, size[0].z, j, x2[j]); }
    for (var j = first; j < at[1].x - at[0].w; j += step) { squares += put(at[0].w, size[0].w, j, x3[j]); }
    for (var j = first; j < at[1].y - at[1].x; j += step) { squares += put(at[1].x, size[1].x, j, x4[j]); }
    for (var j = first; j < at[1].z - at[1].y; j += step) { squares += put(at[1].y, size[1].y, j, x5[j]); }
    for (var j = first; j < at[1].w - at[1].z; j += step) { squares += put(at[1].z, size[1].z, j, x6[j]); }
  }
  let there = group < params.groups;
  if (SQUARES && REDUCE) {
    let sum = workgroupSum(dot(squares, vec4f(1.0)), lid);
    if (there && lid == 0u) { flat[params.sums_at + group] = vec4f(sum, 0.0, 0.0, 0.0); }
  } else if (SQUARES && there) {
    flat[params.sums_at + group * WG + lid] = squares;
  }
}
