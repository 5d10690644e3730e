// y = x in another type. Floats become integers by truncation toward zero, saturating; NaN becomes 0. Four elements an
// invocation. To bool: compare.wgsl.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"

alias From = f32; // dtype
alias To = f32; // dtype
override WG: u32 = 256;
override PACKED: bool = false; // x is bool, four to a word
override SATURATE: bool = false; // float to integer

struct Params { size: u32, low: f32, high: f32, lowest: u32, highest: u32 } // the range of To: as floats, and as the bits of To
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<From>>;     // [size], or [size / 4], the words of bool
@group(0) @binding(2) var<storage, read_write> y: array<vec4<To>>; // [size]

fn convert(v: From) -> To {
  if (!SATURATE) { return To(v); }
  let f = f32(v);
  if (isNan(f)) { return To(0); }
  if (f <= params.low) { return To(params.lowest); }
  if (f >= params.high) { return To(params.highest); }
  return To(f);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let left = params.size - min(params.size, i * 4);
  if (left == 0) { return; }
  var r: vec4<To>;
  if (PACKED) {
    let bytes = u32(x[i / 4][i % 4]);
    r = vec4<To>(vec4u(bytes, bytes >> 8, bytes >> 16, bytes >> 24) & vec4u(0xff, 0xff, 0xff, 0xff));
  } else {
    let v = x[i];
    r = vec4<To>(convert(v.x), convert(v.y), convert(v.z), convert(v.w));
  }
  if (left >= 4) { y[i] = r; } else { for (var k = 0u; k < left; k++) { y[i][k] = r[k]; } }
}
