// For each place of a grid its coordinates in x and its cell: of (H + 1) x (W + 1), where the one of row r and column c lies between the elements of rows r - 1 and r
// and columns c - 1 and c. Places that read nothing have the number of cells in its place.
#include "lib/grid_sample.inc.wgsl"

alias Scalar = f32; // dtype
@group(0) @binding(1) var<storage, read> grid: array<Scalar>;          // [N, P, 2]
@group(0) @binding(2) var<storage, read_write> sources: array<vec2f>;  // [N, P]
@group(0) @binding(3) var<storage, read_write> cells: array<i32>;      // [N, P]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = linearIndex(wid, nwg, lid, WG);
  if (i >= params.N * params.P) { return; }
  let across = sourceOf(vec4f(f32(grid[2u * i])), params.W).at.x;
  let down = sourceOf(vec4f(f32(grid[2u * i + 1u])), params.H).at.x;
  let column = i32(firstOf(vec4f(across)).x) + 1;
  let row = i32(firstOf(vec4f(down)).x) + 1;
  let wide = i32(params.W) + 1;
  let high = i32(params.H) + 1;
  let inside = column >= 0 && column < wide && row >= 0 && row < high;
  sources[i] = vec2f(across, down);
  cells[i] = select(wide * high, row * wide + column, inside);
}
