// y = x in another type. Floats become integers by truncation toward zero, saturating; NaN becomes 0. To bool: compare.wgsl.
#include "lib/index.inc.wgsl"
#include "lib/math.inc.wgsl"

alias From = f32; // dtype
alias To = f32; // dtype
override WG: u32 = 256;
override PACKED: bool = false; // x is bool, four to a word
override SATURATE: bool = false; // float to integer

struct Params { size: u32, low: f32, high: f32, lowest: u32, highest: u32 } // the range of To: as floats, and as the bits of To
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<From>;          // [size], or its words
@group(0) @binding(2) var<storage, read_write> y: array<To>;      // [size]

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
  if (i >= params.size) { return; }
  if (PACKED) { y[i] = To((u32(x[i / 4]) >> (8 * (i % 4))) & 0xff); }
  else { y[i] = convert(x[i]); }
}
