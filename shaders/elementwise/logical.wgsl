// out = a OP b on bool, element-wise, with NumPy's broadcasting. Bools are bytes 0 and 1; each invocation writes one word: four elements.
#include "lib/index.inc.wgsl"
#include "lib/broadcast.inc.wgsl"

override WG: u32 = 256;
override OP: u32 = 0;
const AND = 0u; // op
const OR = 1u; // op
const XOR = 2u; // op
const XNOR = 3u; // op

struct Params { size: u32, value: u32, shape: array<vec4u, 2>, aStrides: array<vec4u, 2>, bStrides: array<vec4u, 2> } // innermost first
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<u32>;         // bool
@group(0) @binding(2) var<storage, read> b: array<u32>;         // bool
@group(0) @binding(3) var<storage, read_write> out: array<u32>; // [size] bool

// Bytes of a and of b, at bit 8 k of the result.
fn bytesAt(at: vec2u, k: u32) -> vec2u {
  return ((vec2u(a[at.x / 4], b[at.y / 4]) >> (8 * (at % 4))) & vec2u(0xff, 0xff)) << vec2u(8 * k, 8 * k);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let word = linearIndex(wid, nwg, lid, WG);
  if (word * 4 >= params.size) { return; }
  var w: vec2u;
  if (RANK == 0) {
    w = vec2u(a[word], b[word]);
  } else {
    let i = word * 4;
    w = bytesAt(operandsOf(i), 0) | bytesAt(operandsOf(i + 1), 1) | bytesAt(operandsOf(i + 2), 2) | bytesAt(operandsOf(i + 3), 3);
  }
  if (NUMBER == 1) { w.x = params.value; }
  if (NUMBER == 2) { w.y = params.value; }
  switch (OP) {
    case AND: { out[word] = w.x & w.y; }
    case OR: { out[word] = w.x | w.y; }
    case XOR: { out[word] = w.x ^ w.y; }
    default: { out[word] = (w.x ^ w.y) ^ 0x01010101u; }
  }
}
