// out[g, phase, n, d, h, w, c] = x[g, n, c, at], the images (or weights) of a convolution as its products read them: channels last, filled up to a multiple of four,
// with zeros around and between. Along an axis `at` = (p scale + offset + phase) / every for position p, where that is whole and inside x.
// One invocation moves four channels of four neighbours along W.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
override SPREAD: bool = false; // whether any `every` is more than 1

// xyz are those of D, H and W. `size`: of out; `room`: of x; `strides`: of x.
struct Params {
  count: u32, batch: u32, quads: u32, blocksW: u32, // invocations, N, and fours of channels and along W of out
  channels: u32, strideG: u32, strideN: u32, strideC: u32, // of x
  size: vec4u, phases: vec4u, room: vec4i, scale: vec4i, offset: vec4i, every: vec4i, strides: vec4u,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Scalar>;               // [groups, N, C, D, H, W] by its strides
@group(0) @binding(2) var<storage, read_write> out: array<vec4<Scalar>>; // [groups, phases, N, D, H, W, quads]

fn four(at: u32, channel: u32) -> vec4<Scalar> {
  let next = at + vec4u(0u, 1u, 2u, 3u) * params.strideC;
  let v = vec4<Scalar>(x[next.x], x[next.y], x[next.z], x[next.w]);
  return select(vec4<Scalar>(), v, channel + vec4u(0u, 1u, 2u, 3u) < vec4u(params.channels));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  let quad = i % params.quads;
  let w0 = i / params.quads % params.blocksW * 4u;
  let row = i / params.quads / params.blocksW; // of [groups, phases, N, D, H]
  let h = row % params.size.y;
  let d = row / params.size.y % params.size.x;
  let image = row / params.size.y / params.size.x;
  let n = image % params.batch;
  let phases = params.phases.x * params.phases.y * params.phases.z;
  let phase = image / params.batch % phases;
  let group = image / params.batch / phases;
  let offset = params.offset.xyz + vec3i(vec3u(phase / params.phases.z / params.phases.y, phase / params.phases.z % params.phases.y, phase % params.phases.z));
  let first = vec3i(vec3u(d, h, w0)) * params.scale.xyz + offset;
  let base = group * params.strideG + n * params.strideN + quad * 4u * params.strideC;
  for (var j = 0u; j < min(4u, params.size.z - w0); j++) {
    let scaled = first + vec3i(0, 0, i32(j) * params.scale.z);
    var at = scaled;
    if (SPREAD) { at = scaled / params.every.xyz; }
    var v = vec4<Scalar>();
    if (all(scaled >= vec3i(0)) && (!SPREAD || all(at * params.every.xyz == scaled)) && all(at < params.room.xyz)) {
      let place = vec3u(at) * params.strides.xyz;
      v = four(base + place.x + place.y + place.z, quad * 4u);
    }
    out[(row * params.size.z + w0 + j) * params.quads + quad] = v;
  }
}
