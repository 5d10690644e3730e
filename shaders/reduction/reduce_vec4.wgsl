// reduce.wgsl four elements at a time: along contiguous rows of a multiple of 4 elements, or (COLUMNS) over four neighbouring outputs at once.
// flops: 4 * outputs / splits * axis
#include "lib/lanes.inc.wgsl"
#include "lib/reduce_ops.inc.wgsl"

alias Scalar = f32; // dtype
alias Result = f32; // dtype

// axis, inner and outputs in units of what an invocation reads: quads of the row, or outputs of four; chunk in units of axis.
struct Params { outputs: u32, axis: u32, inner: u32, splits: u32, chunk: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>; // [outer, axis, inner]
@group(0) @binding(2) var<storage, read_write> y: array<Result>; // [outer, splits], or [outer, splits, 4 * inner] with COLUMNS

var<workgroup> laneTotals: array<vec4u, WG>;

fn load4(i: u32) -> vec4u {
  if (OP <= PROD) { return bitcast<vec4u>(vec4f(x[i])); }
  return vec4u(x[i]);
}

fn store(i: u32, v: u32) {
  if (OP <= PROD) { y[i] = Result(bitcast<f32>(v) * params.scale); } else { y[i] = Result(v); }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let out = rowOf(wid, nwg, lid);
  let lane = laneOf(lid);
  let step = LANES * params.inner;
  // Lanes past the last output stay for the barriers, with an empty chunk.
  let mine = chunkOf(out, params.outputs, params.axis, params.inner, params.splits, params.chunk);
  let end = mine.first + mine.stop * params.inner;
  var total = vec4u(identity());
  var at = mine.first + (mine.begin + lane) * params.inner;
  while (at + 3u * step < end) {
    var part = vec4u(identity());
    for (var k = 0u; k < RUN && at + 3u * step < end; k++) {
      let near = combine4(load4(at), load4(at + step));
      part = combine4(part, combine4(near, combine4(load4(at + 2u * step), load4(at + 3u * step))));
      at += 4u * step;
    }
    total = combine4(total, part);
  }
  for (; at < end; at += step) { total = combine4(total, load4(at)); }
  if (LANES > 1u) {
    laneTotals[lid] = total;
    for (var s = LANES / 2u; s > 0u; s /= 2u) {
      workgroupBarrier();
      if (lane < s) { laneTotals[lid] = combine4(laneTotals[lid], laneTotals[lid + ahead(s)]); }
    }
    total = laneTotals[lid];
  }
  if (lane > 0u || out >= params.outputs) { return; }
  if (COLUMNS) {
    for (var c = 0u; c < 4u; c++) { store(4u * out + c, total[c]); }
  } else {
    store(out, combine(combine(total.x, total.z), combine(total.y, total.w)));
  }
}
