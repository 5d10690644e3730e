// Nothing but multiply-adds, in eight independent chains of vec4 (latencies overlap, registers suffice): what arithmetic can
// deliver at best. Computes in Scalar, unlike all other kernels. TURNS rounds of 8 x 4 multiply-adds an invocation, a constant so that
// compilers unroll them; what comes out depends on all of them.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
const TURNS: u32 = 256; // tunable

@group(0) @binding(1) var<storage, read> x: array<vec4<Scalar>>;       // [8]: factor and summand
@group(0) @binding(2) var<storage, read_write> y: array<vec4<Scalar>>; // [4 invocations]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  let m = x[0];
  let s = x[1];
  var a = vec4<Scalar>(Scalar(lid & 7u));
  var b = a + m;
  var c = b + m;
  var d = c + m;
  var e = d + m;
  var f = e + m;
  var g = f + m;
  var h = g + m;
  for (var t = 0u; t < TURNS; t++) {
    a = fma(a, m, s);
    b = fma(b, m, s);
    c = fma(c, m, s);
    d = fma(d, m, s);
    e = fma(e, m, s);
    f = fma(f, m, s);
    g = fma(g, m, s);
    h = fma(h, m, s);
  }
  y[i] = (a + b) + (c + d) + ((e + f) + (g + h));
}
