// An invocation of these kernels has four neighbours of P, and `chunk` channels.
#include "lib/grid_sample.inc.wgsl"

alias Scalar = f32; // dtype
const LANES = vec4u(0u, 1u, 2u, 3u);

@group(0) @binding(1) var<storage, read> x: array<Scalar>;     // [N, C, H, W]
@group(0) @binding(2) var<storage, read> grid: array<Scalar>;  // [N, P, 2]

fn load(i: vec4u) -> vec4f { return vec4f(f32(x[i.x]), f32(x[i.y]), f32(x[i.z]), f32(x[i.w])); }

struct Place { n: u32, channel: u32, p: u32 }
fn placeOf(i: u32) -> Place {
  let rest = i / params.blocks;
  return Place(rest / params.chunks, rest % params.chunks * params.chunk, i % params.blocks * 4u);
}

// The coordinates of four places of the grid: along W, or along H with an `axis` of 1. Lanes past the end take the last.
fn sourcesAt(place: Place, axis: u32, size: u32) -> Source {
  let p = (place.n * params.P + min(place.p + LANES, vec4u(params.P - 1u))) * 2u + axis;
  return sourceOf(vec4f(f32(grid[p.x]), f32(grid[p.y]), f32(grid[p.z]), f32(grid[p.w])), size);
}

// An element for each lane: where it is in its plane, and whether it is there.
struct Corner { at: vec4u, inside: vec4<bool> }
fn cornerOf(column: vec4f, row: vec4f) -> Corner {
  let c = vec4i(column);
  let r = vec4i(row);
  let inside = (c >= vec4i()) & (c < vec4i(i32(params.W))) & (r >= vec4i()) & (r < vec4i(i32(params.H)));
  return Corner(select(vec4u(), vec4u(r * i32(params.W) + c), inside), inside);
}

fn valuesAt(plane: u32, corner: Corner) -> vec4f { return select(vec4f(), load(plane + corner.at), corner.inside); }
