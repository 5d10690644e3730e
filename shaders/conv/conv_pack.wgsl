// out[g, phase, n, d, h, w, c] = x[g, n, c, at], the images (or weights) of a convolution as its products read them: channels last, filled up to a multiple of four,
// with zeros around and between. Along an axis `at` = (p scale + offset + phase) / every for position p, where that is whole and inside x.
// One invocation moves four channels of four neighbours along W.
#include "lib/index.inc.wgsl"

alias Scalar = f32; // dtype
override WG: u32 = 64;
const LANES = vec4u(0u, 1u, 2u, 3u);
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

// Where position `scaled` / every of an axis is, and whether it is inside.
struct Along { at: u32, inside: bool }
fn along(scaled: i32, every: i32, room: i32) -> Along {
  if (!SPREAD) { return Along(u32(scaled), scaled >= 0 && scaled < room); }
  let at = scaled / every;
  return Along(u32(at), scaled >= 0 && at * every == scaled && at < room);
}

// The first channel of the quad at the start of a row of x, and whether the row is inside.
struct Row { at: u32, inside: bool }

// Four channels of an element of a row, zeros outside.
fn moved(row: Row, scaled: i32, quad: u32) -> vec4<Scalar> {
  let w = along(scaled, params.every.z, params.room.z);
  let at = row.at + w.at * params.strides.z + LANES * params.strideC;
  let inside = (quad * 4u + LANES < vec4u(params.channels)) & vec4<bool>(row.inside && w.inside);
  return select(vec4<Scalar>(), vec4<Scalar>(x[at.x], x[at.y], x[at.z], x[at.w]), inside);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.count) { return; }
  // Quotients alone: a remainder would cost a division more.
  let strip = i / params.quads;
  let quad = i - strip * params.quads;
  let row = strip / params.blocksW; // of [groups, phases, N, D, H]
  let w0 = (strip - row * params.blocksW) * 4u;
  let volume = row / params.size.y;
  let h = row - volume * params.size.y;
  let image = volume / params.size.x;
  let d = volume - image * params.size.x;
  let stack = image / params.batch; // of [groups, phases]
  let n = image - stack * params.batch;
  let phases = params.phases.x * params.phases.y * params.phases.z;
  var group = stack;
  var phase = vec3u();
  if (phases > 1u) {
    group = stack / phases;
    let all = stack - group * phases;
    let above = all / params.phases.z;
    phase = vec3u(above / params.phases.y, above % params.phases.y, all - above * params.phases.z);
  }
  let offset = params.offset.xyz + vec3i(phase);
  let first = vec3i(vec3u(d, h, w0)) * params.scale.xyz + offset;
  let inD = along(first.x, params.every.x, params.room.x);
  let inH = along(first.y, params.every.y, params.room.y);
  let source = Row(group * params.strideG + n * params.strideN + quad * 4u * params.strideC + inD.at * params.strides.x + inH.at * params.strides.y, inD.inside && inH.inside);
  let to = (row * params.size.z + w0) * params.quads + quad;
  let left = params.size.z - w0;
  out[to] = moved(source, first.z, quad);
  if (left > 1u) { out[to + params.quads] = moved(source, first.z + params.scale.z, quad); }
  if (left > 2u) { out[to + 2u * params.quads] = moved(source, first.z + 2 * params.scale.z, quad); }
  if (left > 3u) { out[to + 3u * params.quads] = moved(source, first.z + 3 * params.scale.z, quad); }
}
