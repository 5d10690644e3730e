// out = x0 + x1 + ... (COUNT of them), summed in f32 from left to right. The tape adds gradients with it.
// flops: size * (COUNT - 1)
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 256;
override COUNT: u32 = 2;

struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<Scalar>;        // [size], and so are the others
@group(0) @binding(2) var<storage, read> x1: array<Scalar>;
@group(0) @binding(3) var<storage, read> x2: array<Scalar>;
@group(0) @binding(4) var<storage, read> x3: array<Scalar>;
@group(0) @binding(5) var<storage, read> x4: array<Scalar>;
@group(0) @binding(6) var<storage, read> x5: array<Scalar>;
@group(0) @binding(7) var<storage, read> x6: array<Scalar>;
@group(0) @binding(8) var<storage, read_write> out: array<Scalar>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.size) { return; }
  var sum = f32(x0[i]);
  if (COUNT > 1) { sum += f32(x1[i]); }
  if (COUNT > 2) { sum += f32(x2[i]); }
  if (COUNT > 3) { sum += f32(x3[i]); }
  if (COUNT > 4) { sum += f32(x4[i]); }
  if (COUNT > 5) { sum += f32(x5[i]); }
  if (COUNT > 6) { sum += f32(x6[i]); }
  out[i] = Scalar(sum);
}
